# What an answer (stdin) has other than its case expects ($case: the file of the case); "" when nothing. An expected
# finding is "element" or "element /subjects/role/0": a code, {code, flags, reason}, or null = not asked.
. as $answer | $case[0].expect as $want
| [ (if .decision == $want.decision then empty else "decision: \(.decision // .code), expected \($want.decision)" end),
    (("notice_zh", "notice_en") | select($want[.] != null and $want[.] != $answer[.]) | "\(.): \($answer[.])"),
    (($want.findings // {}) | to_entries[] | . as $one | ($one.key | split(" ")) as $name
      | ([$answer.findings[]? | select(.element == $name[0] and ($name[1] == null or .subject == $name[1]))][0]) as $is
      | ($one.value | if type == "object" then . else {code: .} end) as $code
      | if ($is.code == $code.code) and ($code.flags == null or $is.flags == $code.flags)
          and ($code.reason == null or $is.reason == $code.reason) then empty
        else "\($one.key): \($is.code // "not asked") \($is.flags // [] | join("+")), expected \($one.value | tojson)" end) ]
| join("; ")
