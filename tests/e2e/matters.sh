#!/usr/bin/env bash
# matters.sh - every matter means what it says, every case beside it comes out as its file expects, and a case that
# expects something else is told. No gateway is asked. TAP.
set -u
export LC_ALL=C.UTF-8
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-$top/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$top/tests/e2e/lib.sh"

bidui() {
	"$build/bidui" --schemas "${schemas:-$top/schemas}" --adapters "$top/adapters" "$@"
}

as_expected() { # MATTER CASE
	jq -se --arg case "$2" 'any(.[]; .case == $case and .as_expected)' "$work/$1.ndjson" ||
		{ bidui -o text matter test "$1" 2>&1 | grep -A 5 "✗.*$2"; return 1; }
}

has_live_case() {
	grep -lq '"live": true' "$top/schemas/matters/$1/cases/"*.json
}

# Its file names say what the cases come to; a pass and what is not one are always among them.
has_both_sides() {
	ls "$top/schemas/matters/$1/cases/"*-pass*.json && ls "$top/schemas/matters/$1/cases/" | grep -v -- -pass
}

# The first case of each matter, with another decision expected of it.
other_decision_is_told() {
	schemas=$work/schemas
	cp -r "$top/schemas" "$work/" || return 1
	local matter file
	for matter in "$schemas"/matters/*; do
		file=$(ls "$matter"/cases/*.json | head -n 1)
		jq '.expect.decision = (if .expect.decision == "pass" then "refer" else "pass" end)' "$file" >"$work/one" &&
			mv "$work/one" "$file" || return 1
		bidui -o json matter test "$(basename "$matter")" >"$work/out"
		[ $? -eq 1 ] && [ "$(jq -s '[.[] | select(.as_expected | not)] | length' "$work/out")" = 1 ] ||
			{ echo "$matter: not told"; return 1; }
	done
}

# Where several subjects have the element, a difference says whose finding it is.
difference_names_the_subject() {
	schemas=$work/named
	mkdir "$schemas" && cp -r "$top/schemas/." "$schemas/" || return 1
	local cases=$schemas/matters/company-registration/cases
	jq '.expect.findings = {"shareholder_not_defaulter": "near"}' "$cases/01-pass.json" >"$work/one" &&
		rm "$cases"/*.json && mv "$work/one" "$cases/01-pass.json" || return 1
	bidui -o text matter test company-registration >"$work/out"
	grep 'shareholder_not_defaulter /subjects/shareholders/0: match, expected near' "$work/out" ||
		{ cat "$work/out"; return 1; }
}

for folder in "$top"/schemas/matters/*; do
	matter=$(basename "$folder")
	check "$matter means what it says" bidui matter validate "$folder/"
	bidui -o json matter test "$matter" >"$work/$matter.ndjson" 2>"$work/$matter.err"
	for file in "$folder"/cases/*.json; do
		check "$matter/$(basename "$file" .json)" as_expected "$matter" "$(basename "$file")"
	done
	check "$matter has a case that a gateway can answer" has_live_case "$matter"
	check "$matter has cases that pass and that do not" has_both_sides "$matter"
done
check 'a case that expects another decision is told' other_decision_is_told
check 'a difference names the subject, where several were asked' difference_names_the_subject
echo "1..$count"
