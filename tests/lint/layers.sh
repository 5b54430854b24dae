#!/bin/sh
# layers.sh - who may include whom (design: base <- record <- {intake, store, answer}; http uses base;
# config uses base, record and the plain data it fills; only daemon and cli join), and which file may
# include a foreign header. TAP: one test a rule; every offence is named.
top=${srcdir:-.}
cd "$top" || exit 99

# FOLDER: folders it may include, besides its own.
rules='base:
record:base
intake:base record
store:base record
trail:base record
answer:base record
http:base
config:base record intake/plan.h answer/matter.h answer/finding.h answer/grant.h
daemon:base record intake store trail answer http config
cli:base record intake store answer http config trail daemon/load.h'

# HEADER PATTERN: files that may include it.
foreign='libxml/:gateway/intake/decode_xml gateway/config/xml
lmdb.h:gateway/store/
curl/:gateway/http/client
openssl/:gateway/base/digest gateway/base/locked gateway/base/sign gateway/base/sm4_blocks gateway/store/seal gateway/http/tls gateway/http/tls_
seccomp.h:gateway/daemon/seccomp
sql:gateway/daemon/odbc
linux/landlock.h:gateway/daemon/landlock
uv.h:gateway/http/ gateway/daemon/
http_parser.h:gateway/http/
llhttp.h:gateway/http/
zlib.h:gateway/base/gzip gateway/base/inflate gateway/intake/gzip gateway/intake/inflate
uni:gateway/base/text gateway/base/unicode gateway/record/'

count=0
failed=0
report() { # NAME OFFENCES
	count=$((count + 1))
	if [ -z "$2" ]; then
		echo "ok $count - $1"
	else
		failed=1
		echo "not ok $count - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

# Included paths as "FILE:TARGET" of one folder's sources, quoted or angled.
includes() {
	grep -HoE "^#[[:space:]]*include[[:space:]]*$2[^\">]+" "$1"/*.[ch] 2>/dev/null |
		sed -E 's/:#[[:space:]]*include[[:space:]]*[<"]/:/'
}

echo "1..$(($(printf '%s\n' "$rules" | wc -l) + $(printf '%s\n' "$foreign" | wc -l)))"

while IFS=: read -r layer allowed; do
	offences=$(includes "gateway/$layer" '"' | while IFS=: read -r file target; do
		good=
		for prefix in "$layer" $allowed; do
			case $target in "$prefix" | "$prefix"/*) good=1 ;; esac
		done
		case $target in config.h) good=1 ;; esac
		[ -n "$good" ] || echo "$file includes $target"
	done)
	report "$layer includes only what it may" "$offences"
done <<END
$rules
END

while IFS=: read -r header allowed; do
	offences=$(for folder in gateway/*; do includes "$folder" '<'; done | while IFS=: read -r file target; do
		case $target in "$header"*) ;; *) continue ;; esac
		[ "$header" != uni ] || case $target in unistd.h) continue ;; esac
		good=
		for prefix in $allowed; do
			case $file in "$prefix"*) good=1 ;; esac
		done
		[ -n "$good" ] || echo "$file includes $target"
	done)
	report "$header only where it is wrapped" "$offences"
done <<END
$foreign
END
exit $failed
