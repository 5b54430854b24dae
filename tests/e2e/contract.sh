#!/usr/bin/env bash
# contract.sh - a running gateway for contract.py, which holds schemas/openapi.yaml against it. TAP.
#
# CONTRACT_UPDATE=FOLDER writes there what the daemon answers where an example is documented: schemas/examples when
# the answers were meant to change.
set -uo pipefail
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
work=$(mktemp -d)
export LC_ALL=C.UTF-8
. "$top/tests/e2e/lib.sh"
trap 'stop_gateway; rm -rf "$work"' EXIT
python=$(sed -n 's/^PYTHON = //p' "$build/Makefile")

if ! "$python" -W ignore -c 'import jsonschema, yaml; jsonschema.Draft202012Validator' 2>/dev/null; then
	echo 'Bail out! python3-yaml and python3-jsonschema are needed'
	exit 1
fi
make_keys
make_certificate narrow '/CN=narrow' 'extendedKeyUsage=clientAuth'
make_certificate engine '/CN=engine' 'extendedKeyUsage=clientAuth'
make_certificate auditor '/CN=auditor' 'extendedKeyUsage=clientAuth'
make_certificate curious '/CN=curious' 'extendedKeyUsage=clientAuth'
make_certificate stranger '/CN=stranger' 'extendedKeyUsage=clientAuth'
write_settings 0 0
cat >>"$work/senders" <<END

[narrow]
spki_pin = $(spki_pin "$work/tls/narrow.crt")
roles = department
sources = market

[engine]
spki_pin = $(spki_pin "$work/tls/engine.crt")
roles = engine

[auditor]
spki_pin = $(spki_pin "$work/tls/auditor.crt")
roles = auditor
[signed]
hmac_key = contract tls/contract.hmac
roles = department engine operator
sources = market

[hasty]
hmac_key = hasty tls/hasty.hmac
roles = department engine operator
sources = market
requests_per_second = 1
requests_burst = 1

[curious]
spki_pin = $(spki_pin "$work/tls/curious.crt")
roles = engine
subjects_per_hour = 1
values_per_day = 1
END
for name in contract hasty; do
	(umask 077 && openssl rand -hex 32 >"$work/tls/$name.hmac")
done
(umask 077 && printf 'correct horse battery\n' >"$work/tls/person.password")
for account in 'person operator system_administrator' 'officer security_administrator' 'deputy security_administrator' 'examiner auditor'; do
	BIDUI_PASSWORD_FILE=$work/tls/person.password "$build/bidui" account add "${account%% *}" --roles "${account#* }" \
		--accounts "$work/accounts" 2>"$work/accounts.err" || cat "$work/accounts.err"
done
printf 'two_person_approval = yes\naccounts_file = %s\n' "$work/accounts" >>"$work/bidui.conf"
# So far ahead that there is an alarm.
echo 'certificate_alarm_days = 365' >>"$work/bidui.conf"
# Of one purpose they have ended, of one only decisions are told, of one a few fields.
names='basis="SAMPLE-2026-001" from="2026-01-01" given-by-zh="示例区市场监督管理局" given-by-en="Market Supervision of the Example District"'
sed -i '/<\/grants>/d' "$work/grants.xml"
cat >>"$work/grants.xml" <<END
 <grant id="ended" sender="demo" purpose="review" matter="individual-business-registration" disclosure="values" $names until="2026-01-31"/>
 <grant id="ended-fields" sender="demo" purpose="review" entity="person" fields="*" disclosure="values" $names until="2026-01-31"/>
 <grant id="decisions" sender="demo" purpose="counting" matter="individual-business-registration" disclosure="decision" $names until="2099-12-31"/>
 <grant id="names" sender="demo" purpose="names" entity="person" fields="name" disclosure="values" $names until="2099-12-31"/>
 <grant id="births" sender="demo" purpose="names" entity="person" fields="birth_date" disclosure="codes" $names until="2099-12-31"/>
 <grant id="curious" sender="curious" purpose="verification" matter="old-age-allowance" disclosure="codes" $names until="2099-12-31"/>
 <grant id="curious-fields" sender="curious" purpose="verification" entity="person" fields="name" disclosure="values" $names until="2099-12-31"/>
 <grant id="engine-decisions" sender="engine" purpose="counting" matter="old-age-allowance" disclosure="decision" $names until="2099-12-31"/>
 <grant id="engine-ended" sender="engine" purpose="review" matter="old-age-allowance" disclosure="codes" $names until="2026-01-31"/>
 <grant id="engine" sender="engine" purpose="verification" matter="individual-business-registration" disclosure="codes" $names until="2099-12-31"/>
</grants>
END
# A department that is not there: nobody listens on that port.
cat >"$work/sources.xml" <<END
<sources>
 <source name="social">
  <http name="main" base="http://127.0.0.1:1/nws" allow="127.0.0.1" plaintext="true" tries="1" trip-for="1d"><value name="system_code" value="BIDUI"/></http>
  <pull name="changes" from="main" request="changes" feed="packet" every="1s"/>
  <look-up from="main" request="person" feed="nws"/>
 </source>
</sources>
END
echo "sources_file = $work/sources.xml" >>"$work/bidui.conf"
# Small, so that what is too large is soon too large.
printf 'body_max_bytes = 131072\nquestion_max_bytes = 4096\n' >>"$work/bidui.conf"
start_or_bail
printf '# a line more\n' >>"$work/senders"
"$python" -W ignore "$top/tests/e2e/contract.py" --top "$top" --port "$https_port" --plaintext-port "$http_port" --tls "$work/tls" --openapi "$build/openapi.json" --said "$work/said" \
	${CONTRACT_UPDATE:+--update "$CONTRACT_UPDATE"}
