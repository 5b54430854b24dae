#!/usr/bin/env bash
# docs.sh - what a program can be told stands in its help and in its manual, in both languages, and nothing else
# does: options and commands of bidui, options and settings of biduid. And the contract that is served names the
# entities and fields that the programs read. TAP.
set -u
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-$top/build}
export LC_ALL=C.UTF-8
count=0

# same NAME FIRST SECOND: two sorted lists, one entry a line.
same() {
	local name=$1 difference
	count=$((count + 1))
	difference=$(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3"))
	if [ -n "$2" ] && [ -z "$difference" ]; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		printf '%s\n' "${difference:-nothing was found}" | sed 's/^/# /'
	fi
}

# What is written as an option: a dash or two and a word, at the start of a word.
options() {
	grep -oE '(^|[[:space:]",[(])--?[a-z][a-z-]*' | grep -oE -e '--?[a-z][a-z-]*' | sort -u
}

manual() { # FILE
	sed 's/\\-/-/g; s/\\f[A-Z]/ /g' "$top/doc/$1"
}

commands_of_help() {
	"$build/bidui" --help --lang en | sed -n 's/^  bidui \([a-z]*\) .*/\1/p' | sort -u
}

commands_of_manual() { # FILE: the items of its first list, until the options
	manual "$1" | sed -n '/^\.SH \(COMMANDS\|命令\)/,/^\.SH \(OPTIONS\|选项\)/p' |
		sed -n '/^\.TP/{n;s/^\.[A-Z]* "\{0,1\}\([a-z]*\).*/\1/p}' | sort -u
}

settings_of_manual() { # FILE
	manual "$1" | sed -n '/^\.SH \(SETTINGS\|配置\)/,/^\.SH \(SIGNALS\|信号\)/p' |
		sed -n '/^\.TP/{n;p}' | grep -oE '[a-z]+(_[a-z]+)*' | sort -u
}

help=$("$build/bidui" --help | sed -n '/^选项/,$p;/^options/,$p' | options)
same 'bidui: both languages of the help have the same options' \
	"$(LC_ALL=en_GB.UTF-8 "$build/bidui" --help | sed -n '/^options/,$p' | options)" \
	"$(LC_ALL=zh_CN.UTF-8 "$build/bidui" --help | sed -n '/^选项/,$p' | options)"
daemon_help=$("$build/biduid" --help | sed -n '/^  --/p' | options)
settings=$(sed -n 's/.*\.key = "\([a-z_]*\)".*/\1/p' "$top/gateway/config/settings.c" | sort -u)
for language in '' zh_CN/; do
	same "bidui: options of the help and of doc/${language}bidui.1" "$help" "$(manual "${language}bidui.1" | options)"
	same "bidui: commands of the help and of doc/${language}bidui.1" "$(commands_of_help)" \
		"$(commands_of_manual "${language}bidui.1")"
	same "biduid: options of the help and of doc/${language}biduid.8" "$daemon_help" \
		"$(manual "${language}biduid.8" | options)"
	same "biduid: settings and those of doc/${language}biduid.8" "$settings" "$(settings_of_manual "${language}biduid.8")"
done
dictionary() { # MEMBER
	"$build/bidui" dictionary -o json --schemas "$top/schemas" | jq -r ".$1" | sort -u
}
contract() { # SCHEMA MEMBER
	jq -r ".components.schemas.$1.properties.$2.enum[]" "$build/openapi.json" | sort -u
}
# What the threat model names of the code and of the tests is there: a path in back quotes with a slash in it.
named_in_threats() {
	grep -o '`[a-z0-9_/.*]*/[a-z0-9_/.*]*`' "$top/gateway/THREATS.md" | tr -d '`' | sort -u
}
found_of_threats() {
	local name
	named_in_threats | while IFS= read -r name; do
		# A pattern of several files is one name; a test is named without its ending.
		if compgen -G "$top/gateway/$name" >/dev/null || compgen -G "$top/tests/$name" >/dev/null ||
			compgen -G "$top/tests/$name.*" >/dev/null; then
			echo "$name"
		fi
	done
}
same 'what gateway/THREATS.md names is there' "$(named_in_threats)" "$(found_of_threats)"
same 'the contract has the entities of the dictionary' "$(dictionary 'entities[].entity')" "$(contract Statement entity)"
same 'the contract has the fields of the dictionary' "$(dictionary 'fields[].field')" "$(contract Value field)"
echo "1..$count"
