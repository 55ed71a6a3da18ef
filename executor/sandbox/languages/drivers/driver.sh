# Runs a bash body once: $1 is the form, $2 the entry point, $3 the file with the body.
# Arguments are on descriptor 4, each with a NUL behind it; the value goes to descriptor 5 (see inside/tools.py).
__htn_form=$1 __htn_entry=$2 __htn_body=$3
mapfile -d '' -t __htn_values <&4
exec 4<&-
if [[ $__htn_form == script ]]; then
    for ((__htn_at = 0; __htn_at < ${#__htn_values[@]}; __htn_at += 2)); do
        printf -v "${__htn_values[__htn_at]}" %s "${__htn_values[__htn_at + 1]}" || exit 1
    done
    trap '[[ -v result ]] && printf "=%s" "$result" >&5' EXIT
    set --
    source "$__htn_body"
    exit
fi
set --
source "$__htn_body"
if ! declare -F -- "$__htn_entry" >/dev/null; then
    printf - >&5
    exit 1
fi
printf = >&5
"$__htn_entry" "${__htn_values[@]}" >&5 5>&-
