#!/usr/bin/env bash
# The site's way through the CRM by curl alone.
#
#   story.sh BASE [USER [ACCESSKEY]]
#
# BASE is the address before /webservice.php. CURL_OPTIONS, such as --insecure or
# --cacert FILE, go to each call. One line per step; exit code 1 at the first
# mismatch.
set -euo pipefail
export LC_ALL=C.UTF-8

base=${1:?usage: story.sh http://host [user [accesskey]]}
user=${2:-api}
access_key=${3:-DemoKey000000001}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

call() { # shellcheck disable=SC2086
  curl -sS --max-time 60 ${CURL_OPTIONS:-} "$@"
}
fail() { printf 'FAILED %s\n' "$*"; exit 1; }
ok() { printf 'ok %s\n' "$*"; }
# member NAME: the text or number of that name in the JSON of standard input.
member() { sed -nE "s/.*\"$1\":\"?([^\",}]*).*/\\1/p" | sed 's,\\/,/,g'; }
paths() { grep -oE '"path":"[^"]*"' | cut -d'"' -f4 | sed 's,\\/,/,g'; }
succeeded() { grep -q '"success":true' <<<"$1" || fail "$2: $1"; }
operation() { # operation NAME -F… : one multipart call with the session
  local name=$1 answer
  shift
  answer=$(call -F "operation=$name" -F "sessionName=$session" "$@" "$base/webservice.php")
  succeeded "$answer" "$name"
  printf '%s' "$answer"
}
pdf() { # pdf FILE TEXT
  printf '%%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n%% %s\ntrailer\n<< /Size 3 /Root 1 0 R >>\n%%%%EOF\n' "$2" >"$1"
}
sum() { sha256sum "$1" | cut -d' ' -f1; }

# The form, with three placeholders under their real names.
inn=500100732259
code=$((RANDOM % 900000 + 100000))
for i in 1 2 3; do
  pdf "$work/$i.pdf" "placeholder $i"
done
answer=$(call "$base/modules/Webforms/capture.php" \
  -F publicid=0123456789abcdef0123456789abcdef \
  -F firstname=Клавдия -F lastname=Курлова -F birthday=1970-12-31 \
  -F "mobile=+7 9$((RANDOM % 90 + 10)) $((RANDOM % 900 + 100))-$((RANDOM % 90 + 10))-$((RANDOM % 90 + 10))" \
  -F "inn=$inn" -F "code=$code" \
  -F "file_1_1=@$work/1.pdf;type=application/pdf;filename=Договор № 7.pdf" \
  -F "file_1_2=@$work/2.pdf;type=application/pdf;filename=чек.pdf" \
  -F "file_1_3=@$work/3.pdf;type=application/pdf;filename=личный кабинет.pdf")
succeeded "$answer" capture
ok capture

# Signing in.
token=$(call "$base/webservice.php?operation=getchallenge&username=$user" | member token)
key=$(printf '%s%s' "$token" "$access_key" | md5sum | cut -d' ' -f1)
answer=$(call -d operation=login -d "username=$user" -d "accessKey=$key" "$base/webservice.php")
succeeded "$answer" login
session=$(member sessionName <<<"$answer")
[ "$session" = "$(member sessionId <<<"$answer")" ] || fail "login: two sessions in $answer"
ok login

# Both pairs: list, overwrite, list, read back.
deliver() { # deliver INN SMS
  local list again path n=0
  list=$(operation GetFilesList -F "inn=$1" -F "sms=$2" | paths)
  [ "$(wc -l <<<"$list")" = 3 ] || fail "GetFilesList $1: $list"
  for path in $list; do
    n=$((n + 1))
    pdf "$work/real.pdf" "the real file $n of $1 $RANDOM$RANDOM"
    if [ $n = 3 ]; then
      answer=$(operation PutFile -F "path=$path" -F "file=@$work/real.pdf;type=application/pdf")
      [ "$(member sha256 <<<"$answer")" = "$(sum "$work/real.pdf")" ] || fail "PutFile: $answer"
    else
      status=$(call -o /dev/null -w '%{http_code}' -T "$work/real.pdf" \
        -H "Authorization: Bearer $session" -H 'Content-Type: application/pdf' "$base/$path")
      [ "$status" = 204 ] || fail "PUT $path: $status"
    fi
    call -o "$work/back.pdf" -H "Authorization: Bearer $session" "$base/$path"
    cmp -s "$work/real.pdf" "$work/back.pdf" || fail "$path came back changed"
    ok "overwritten $path"
  done
  again=$(operation GetFilesList -F "inn=$1" -F "sms=$2" | paths)
  [ "$list" = "$again" ] || fail "GetFilesList $1 changed: $again"
}
deliver 643922466250 795372
deliver "$inn" "$code"

# Contact, account, project, and the project read back.
contact=$(operation CreateContact -F firstname=Василий -F lastname=Пупкинидзе -F birthday=1986-11-15 \
  -F 'mobile=+7(949) 123-45-11' -F inn=321654987654 | member result)
account=$(operation CreateAccount -F 'accountname=ООО "Три бобра"' -F inn=1234567899 -F ogrn=32165498711 | member result)
project=$(operation CreateProject -F "contactid=$contact" -F "offenderid=$account" -F agrprice=20000 -F transport=да | member result)
prefix=$(call -G "$base/webservice.php" -d operation=describe -d "sessionName=$session" -d elementType=Project | member idPrefix)
answer=$(call -G "$base/webservice.php" -d operation=retrieve -d "sessionName=$session" -d "id=${prefix}x$project")
succeeded "$answer" retrieve
[ "$(member agrprice <<<"$answer")" = 20000.00 ] || fail "retrieve: $answer"
[ "$(member linktoaccountscontacts <<<"$answer")" = "12x$contact" ] || fail "retrieve: $answer"
answer=$(call -G "$base/webservice.php" -d operation=query -d "sessionName=$session" \
  --data-urlencode "query=select * from Project where id='${prefix}x$project';")
[ "$(member agrprice <<<"$answer")" = 20000.00 ] || fail "query: $answer"
ok "contact $contact account $account project $project"

operation logout >/dev/null
ok logout
