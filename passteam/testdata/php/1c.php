<?php
// What the document's 1C code does, in PHP: the body is put together by hand and
// nothing in it is escaped; the answer loses every per cent sign before it is
// read as JSON; the HTTP status is never looked at.
//
//   php 1c.php BASE TOKEN TEMPLATE

list(, $base, $token, $template) = $argv;

function call($method, $body)
{
    global $base, $token;
    $ch = curl_init("$base/oapi/v1/$method");
    curl_setopt_array($ch, array(
        CURLOPT_POST => true,
        CURLOPT_POSTFIELDS => $body,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_FOLLOWLOCATION => false,
        CURLOPT_PROXY => '',
        CURLOPT_HTTPHEADER => array("Authorization: $token", 'Content-Type: application/x-www-form-urlencoded'),
    ));
    $answer = curl_exec($ch);
    if ($answer === false) {
        fail($method, curl_error($ch));
    }
    $data = json_decode(str_replace('%', '', $answer));
    if (!is_object($data)) {
        fail($method, "no JSON: $answer");
    }
    return $data;
}

function fail($what, $why)
{
    fwrite(STDERR, "$what: $why\n");
    exit(1);
}

function want($what, $got, $want)
{
    if ($got !== $want) {
        fail($what, 'got ' . var_export($got, true) . ', want ' . var_export($want, true));
    }
}

$owner = 'ООО "Рога & Копыта" 100%';
$body = "templateId=$template&values[%CLIENT_NAME%]=$owner&values[%BIRTHDAY%]=&values[%PHONE%]=+7 (383) 222-11-00&values[%EMAIL%]=info+1c@roga.example&values[%BONUS%]=0";
$made = call('createcard', $body);
want('create', $made->code, 200);
want('length of cardId', strlen($made->result->cardId), 24);
$id = $made->result->cardId;

$again = call('createcard', $body);
want('create again', $again->code, 409);
want('whose phone it is', $again->result->cardId, $id);
want('where that card is', $again->result->cardUrl, $made->result->cardUrl);

$none = call('createcard', "templateId=$template&values[%CLIENT_NAME%]=&values[%BIRTHDAY%]=&values[%PHONE%]=&values[%EMAIL%]=&values[%BONUS%]=0");
want('no phone', array($none->code, $none->message), array(500, 'Provided field (PHONE) is unique and must be set.'));

foreach (array("1\u{A0}234,5", "1 234,5", '1234.5') as $points) {
    $changed = call('updatecard', "cardId=$id&values[%CLIENT_NAME%]=$owner&values[%BIRTHDAY%]=&values[%PHONE%]=+7 (383) 222-11-00&values[%EMAIL%]=info+1c@roga.example&values[%BONUS%]=$points");
    want('update', $changed->code, 200);
    want('installed', $changed->result->card->installed, false);
}

// The document's advice: everything escaped.
$changed = call('updatecard', http_build_query(array('cardId' => $id, 'values' => array('%BONUS%' => '7500'))));
want('escaped update', $changed->code, 200);

$shown = call('getcard', "cardId=$id")->result->card->values;
want('name', $shown->CLIENT_NAME, $owner);
want('phone', $shown->PHONE, '+7 (383) 222-11-00');
want('mail', $shown->EMAIL, 'info+1c@roga.example');
want('points', $shown->BONUS, '7500');

// A card that 1C has no id for.
want('nobody', call('updatecard', 'cardId=&values[%BONUS%]=1')->code, 404);
echo "ok\n";
