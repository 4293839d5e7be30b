<?php
// The site's own way through the CRM, as its PHP does it: forms with three
// placeholder PDFs, the list of files, each overwritten by the real one, then
// contact, account and project, and all of it read back and compared.
//
//   php seed.php ENDPOINT [USER [ACCESSKEY]]
//
// ENDPOINT is …/webservice.php. STYK_USER and STYK_ACCESS_KEY stand for absent
// arguments. The certificate is not verified, as the site does not, unless
// STYK_CA_FILE names the one to trust. One line of JSON per step goes to
// standard output; the first mismatch ends with exit code 1.

error_reporting(E_ALL);
set_error_handler(function ($level, $text, $file, $line) {
    throw new ErrorException($text, 0, $level, $file, $line);
});

$endpointUrl = $argv[1] ?? getenv('STYK_ENDPOINT') ?: '';
$username = $argv[2] ?? getenv('STYK_USER') ?: 'api';
$userAccessKey = $argv[3] ?? getenv('STYK_ACCESS_KEY') ?: 'DemoKey000000001';
if (!str_ends_with($endpointUrl, '/webservice.php')) {
    fwrite(STDERR, "usage: php seed.php https://host/webservice.php [user [accesskey]]\n");
    exit(2);
}
$root = substr($endpointUrl, 0, -strlen('webservice.php'));

// step prints what was learnt; on a mismatch it is the last thing printed.
function step($name, $ok, $facts = array())
{
    echo json_encode(array('step' => $name, 'ok' => $ok) + $facts,
        JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE), "\n";
    if (!$ok) {
        exit(1);
    }
}

function tls($ch)
{
    if (getenv('STYK_CA_FILE')) {
        curl_setopt($ch, CURLOPT_CAINFO, getenv('STYK_CA_FILE'));
        curl_setopt($ch, CURLOPT_SSL_VERIFYPEER, true);
    } else {
        curl_setopt($ch, CURLOPT_SSL_VERIFYPEER, FALSE);
    }
    curl_setopt($ch, CURLOPT_SSL_VERIFYHOST, 2);
    curl_setopt($ch, CURLOPT_TIMEOUT, 60);
}

// send makes one request on a handle of its own: [status, body, headers].
function send($url, $options = array())
{
    $ch = curl_init($url);
    tls($ch);
    $headers = array();
    curl_setopt_array($ch, $options + array(
        CURLOPT_RETURNTRANSFER => 1,
        CURLOPT_HEADERFUNCTION => function ($ch, $line) use (&$headers) {
            $pair = explode(':', trim($line), 2);
            if (count($pair) == 2) {
                $headers[strtolower($pair[0])] = trim($pair[1]);
            }
            return strlen($line);
        },
    ));
    $body = curl_exec($ch);
    if ($body === false) {
        step('send ' . $url, false, array('error' => curl_error($ch)));
    }
    return array(curl_getinfo($ch, CURLINFO_RESPONSE_CODE), $body, $headers);
}

// pdf makes a small whole PDF, cross-reference table and all.
function pdf($text)
{
    $content = "BT /F1 18 Tf 40 760 Td ($text) Tj ET";
    $objects = array(
        '<< /Type /Catalog /Pages 2 0 R >>',
        '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
        '<< /Length ' . strlen($content) . " >>\nstream\n$content\nendstream",
        '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    );
    $out = "%PDF-1.4\n";
    $table = sprintf("xref\n0 %d\n%010d 65535 f \n", count($objects) + 1, 0);
    foreach ($objects as $i => $object) {
        $table .= sprintf("%010d 00000 n \n", strlen($out));
        $out .= sprintf("%d 0 obj\n%s\nendobj\n", $i + 1, $object);
    }
    return $out . $table . sprintf("trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n",
        count($objects) + 1, strlen($out));
}

$titles = array('договор', 'подтверждение оплаты', 'Скриншот прогресса обучения/личного кабинета');
$names = array('Договор № 12 от 15 июля.pdf', 'чек об оплате.pdf', 'Скриншот «личный кабинет».pdf');

// --- capture.php: the client registers himself with three placeholders

$inn = '500100732259';
$smscode = sprintf('%06d', random_int(100000, 999999));
$form = array(
    '__vtrftk' => 'sid:0000,1',
    'publicid' => '0123456789abcdef0123456789abcdef',
    'name' => 'Анкета',
    'firstname' => 'Мария',
    'secondname' => 'Ивановна',
    'lastname' => 'Синицына',
    'mobile' => '+7 (9' . random_int(10, 99) . ') ' . random_int(100, 999) . '-' . random_int(10, 99) . '-' . random_int(10, 99),
    'email' => 'maria@example.ru',
    'birthday' => '1990-02-28',
    'inn' => $inn,
    'code' => $smscode,
);
$folder = sys_get_temp_dir() . '/styk-seed-' . bin2hex(random_bytes(6));
mkdir($folder);
foreach ($names as $i => $name) {
    $placeholder = "$folder/$i.pdf";
    file_put_contents($placeholder, pdf('placeholder ' . ($i + 1)));
    $form['file_1_' . ($i + 1)] = new CURLFile($placeholder, 'application/pdf', $name);
}
list($status, $response) = send($root . 'modules/Webforms/capture.php',
    array(CURLOPT_POST => 1, CURLOPT_POSTFIELDS => $form));
array_map('unlink', glob("$folder/*.pdf"));
rmdir($folder);
$captured = json_decode($response, true);
step('capture', $status == 200 && ($captured['success'] ?? null) === true, array('status' => $status, 'answer' => $captured ?? $response));

// --- getchallenge and login, as the site has them

$ch = curl_init();
tls($ch);
$url = $endpointUrl . "?operation=getchallenge&username=" . $username;
curl_setopt($ch, CURLOPT_URL, $url);
curl_setopt($ch, CURLOPT_RETURNTRANSFER, 1);

$response = curl_exec($ch);
$jsonResponse = json_decode($response, true);

$challengeToken = $jsonResponse['result']['token'] ?? '';
step('getchallenge', $challengeToken != '', array('answer' => $jsonResponse ?? $response));

$generatedKey = md5($challengeToken.$userAccessKey);

curl_setopt_array($ch, array(
    CURLOPT_RETURNTRANSFER => 1,
    CURLOPT_URL => $endpointUrl,
    CURLOPT_POST => 1,
    CURLOPT_POSTFIELDS => array(
        'operation'=>'login',
        'username'=>$username,
        'accessKey'=>$generatedKey
    )
));

$response = curl_exec($ch);

$jsonResponse = json_decode($response, true);
$sessionId = $jsonResponse['result']['sessionId'] ?? '';
step('login', $sessionId != '' && $jsonResponse['result']['sessionName'] === $sessionId,
    array('error' => $jsonResponse['error'] ?? null));

// --- GetFilesList: the published pair, and the one that came with the form

// files lists by the site's call, and insists on the three titles in order.
function files($ch, $endpointUrl, $sessionId, $inn, $smscode, $titles)
{
    $params = array(
        'operation'=>'GetFilesList',
        'sessionId'=>$sessionId,
        'inn'=>$inn,
        'sms'=>$smscode
    );
    curl_setopt_array($ch, array(
        CURLOPT_RETURNTRANSFER => 1,
        CURLOPT_POST => 1,
        CURLOPT_URL => $endpointUrl,
        CURLOPT_POSTFIELDS => $params
    ));
    $response = curl_exec($ch);
    $output = json_decode($response, TRUE);

    $files = $output['result']['files'] ?? array();
    $ok = ($output['success'] ?? null) === true && $output['result']['status'] === 'ok'
        && array_column($files, 'title') === $titles;
    foreach ($files as $file) {
        $ok = $ok && preg_match('#^storage/\d{4}/[A-Z][a-z]+/week[1-5]/[0-9a-f]{32}\.pdf$#', $file['path']);
    }
    step('GetFilesList', $ok, array('inn' => $inn, 'answer' => $output ?? $response));
    return array_column($files, 'path');
}

$pairs = array(
    'published' => array('643922466250', '795372'),
    'fresh' => array($inn, $smscode),
);
$written = array(); // path → the sha256 of what it must hold
foreach ($pairs as $which => $pair) {
    $listed = files($ch, $endpointUrl, $sessionId, $pair[0], $pair[1], $titles);
    foreach ($listed as $i => $path) {
        $real = pdf("the real file $which " . ($i + 1) . ' ' . bin2hex(random_bytes(8)));
        $written[$path] = hash('sha256', $real);
        if ($which == 'fresh' && $i == 2) {
            $params = array(
                'operation'=>'PutFile',
                'sessionName'=>$sessionId,
                'path'=>$path,
                'file'=>new CURLStringFile($real, 'другое имя.pdf', 'application/pdf'),
            );
            list($status, $response) = send($endpointUrl, array(CURLOPT_POST => 1, CURLOPT_POSTFIELDS => $params));
            $output = json_decode($response, true);
            $result = $output['result'] ?? array();
            step('PutFile', ($output['success'] ?? null) === true && $result['path'] === $path
                && $result['size'] === strlen($real) && $result['sha256'] === $written[$path] && $result['version'] === 2,
                array('answer' => $output ?? $response));
            continue;
        }
        list($status, $response) = send($root . $path, array(
            CURLOPT_CUSTOMREQUEST => 'PUT',
            CURLOPT_POSTFIELDS => $real,
            CURLOPT_HTTPHEADER => array('Authorization: Bearer ' . $sessionId, 'Content-Type: application/pdf'),
        ));
        step('PUT', $status == 204, array('path' => $path, 'status' => $status, 'answer' => $response));
    }
    $again = files($ch, $endpointUrl, $sessionId, $pair[0], $pair[1], $titles);
    step('same paths', $again === $listed, array('before' => $listed, 'after' => $again));
    foreach ($listed as $i => $path) {
        list($status, $body, $headers) = send($root . $path,
            array(CURLOPT_HTTPHEADER => array('Authorization: Bearer ' . $sessionId)));
        $disposition = $headers['content-disposition'] ?? '';
        $name = preg_match("/filename\*=utf-8''([^;]+)/i", $disposition, $m) ? rawurldecode($m[1]) : '';
        step('read back', $status == 200 && hash('sha256', $body) === $written[$path]
            && ($which == 'published' || $name === $names[$i]),
            array('path' => $path, 'status' => $status, 'name' => $name, 'sha256' => hash('sha256', $body), 'want' => $written[$path]));
    }
}

// --- contact, account, project

$params = array(
    'operation'=>'CreateContact',
    'sessionName'=>$sessionId,
    'firstname' => 'Василий',
    'secondname' => 'Алибабаевич',
    'lastname' => 'Пупкинидзе',
    'mobile' => '+7(949) 123-45-11',
    'email' => 'rrrr@mail.ru',
    'tgid' => 111,
    'birthday' => '1986-11-15',
    'birthplace' => 'г. Владивосток',
    'mailingstreet' => 'г. Калининград',
    'inn' => '321654987654',
    'requisites' => 'шлите на карту в тинькофф',
    'code' => '4568'
);

curl_setopt_array($ch, array(
    CURLOPT_RETURNTRANSFER => 1,
    CURLOPT_POST => 1,
    CURLOPT_URL => $endpointUrl,
    CURLOPT_POSTFIELDS => $params
));
$response = curl_exec($ch);
$output = json_decode($response, TRUE);

// made insists on what the site is promised: a bare number, as a string.
function made($output)
{
    return ($output['success'] ?? null) === true && is_string($output['result']) && ctype_digit($output['result']);
}

step('CreateContact', made($output), array('answer' => $output ?? $response));
$contact = $params;
$contactid = $output['result'];

$response = curl_exec($ch);
$output = json_decode($response, TRUE);
step('CreateContact again', made($output) && $output['result'] === $contactid, array('answer' => $output ?? $response));

$params = array(
    'operation'=>'CreateAccount',
    'sessionName'=>$sessionId,
    'accountname' => 'ООО "Три бобра"',
    'address' => 'г. Москва, Кремль',
    'email' => 'qqqqq@ya.ru',
    'website' => 'https://pikabu.ru',
    'phone' => '+7 928 664-66-11',
    'inn' => '1234567899',
    'ogrn' => '32165498711'
);

curl_setopt_array($ch, array(
    CURLOPT_RETURNTRANSFER => 1,
    CURLOPT_POST => 1,
    CURLOPT_URL => $endpointUrl,
    CURLOPT_POSTFIELDS => $params
));
$response = curl_exec($ch);
$output = json_decode($response, TRUE);
step('CreateAccount', made($output), array('answer' => $output ?? $response));
$account = $params;
$offenderid = $output['result'];

$params['accountname'] = 'АО «Посредник»';
$params['inn'] = '7707083893';
$params['ogrn'] = '1027700132195';
curl_setopt($ch, CURLOPT_POSTFIELDS, $params);
$response = curl_exec($ch);
$output = json_decode($response, TRUE);
step('CreateAccount, the agent', made($output) && $output['result'] !== $offenderid, array('answer' => $output ?? $response));
$agentid = $output['result'];

$params = array(
    'operation'=>'CreateProject',
    'sessionName'=>$sessionId,
    'contactid' => $contactid,
    'offenderid' => $offenderid,
    'agentid' => $agentid,
    'sms' => '1234',
    'ip' => '192.168.0.1',
    'source' => 'с улицы',
    'region' => 'Владивосток',
    'formid' => 1376,
    'category' => 'Абидили!!',
    'direction' => 'Путину',
    'agrprice' => 20000,
    'subject' => 'За мир во всем мире',
    'agrdate' => '2023-07-15',
    'startdate' => '2023-07-20',
    'finishdate' => '2023-08-31',
    'loss' => 5000,
    'servicecost' => 3000,
    'progress' => 25,
    'country' => 'Турция',
    'hotel' => 'Абу Мартышкин Spa',
    'transport' => 'да',
    'insurance' => 'да',
    'other' => 'какое-то дополнение',
    'description' => 'какое-то описание',
    'independently' => 'да',
    'claimdate' => '2023-10-15',
    'returned' => 200
);

curl_setopt_array($ch, array(
    CURLOPT_RETURNTRANSFER => 1,
    CURLOPT_POST => 1,
    CURLOPT_URL => $endpointUrl,
    CURLOPT_POSTFIELDS => $params
));
$response = curl_exec($ch);
$output = json_decode($response, TRUE);
step('CreateProject', made($output) && !in_array($output['result'], array($contactid, $offenderid, $agentid)),
    array('fields' => count($params) - 2, 'answer' => $output ?? $response));
$project = $params;
$projectid = $output['result'];

// --- all of it read back, by the standard operations

function get($endpointUrl, $sessionId, $params)
{
    list(, $response) = send($endpointUrl . '?' . http_build_query($params + array('sessionName' => $sessionId)));
    $output = json_decode($response, true);
    if (($output['success'] ?? null) !== true) {
        step($params['operation'], false, array('answer' => $output ?? $response));
    }
    return $output['result'];
}

// wanted says how the fields sent must come back: under Vtiger's own names
// where it has them, money with kopecks, references as full ids, codes never.
function wanted($sent, $renamed, $money, $references, $secret)
{
    $want = array();
    foreach ($sent as $name => $value) {
        if (in_array($name, array('operation', 'sessionName')) || in_array($name, $secret)) {
            continue;
        }
        if (in_array($name, $money)) {
            $value = sprintf('%d.00', $value);
        }
        if (isset($references[$name])) {
            $value = $references[$name] . 'x' . $value;
        }
        $want[$renamed[$name] ?? $name] = (string) $value;
    }
    return $want;
}

function differences($want, $record, $secret)
{
    $out = array();
    foreach ($want as $name => $value) {
        if (!isset($record[$name]) || $record[$name] !== $value) {
            $out[$name] = array('got' => $record[$name] ?? null, 'want' => $value);
        }
    }
    foreach ($secret as $name) {
        if (($record[$name] ?? '') !== '') {
            $out[$name] = array('got' => $record[$name], 'want' => 'never read back');
        }
    }
    return $out;
}

$prefix = array();
foreach (array('Contacts', 'Accounts', 'Project') as $module) {
    $prefix[$module] = get($endpointUrl, $sessionId, array('operation' => 'describe', 'elementType' => $module))['idPrefix'];
}
step('describe', $prefix['Contacts'] === '12' && $prefix['Accounts'] === '11', array('idPrefix' => $prefix));

$secret = array('code', 'sms');
$records = array(
    'Contacts' => array($contactid, wanted($contact, array(), array(), array(), $secret),
        "select * from Contacts where mobile='+7(949) 123-45-11';"),
    'Accounts' => array($offenderid, wanted($account, array('address' => 'bill_street', 'email' => 'email1'), array(), array(), $secret),
        "select * from Accounts where inn='1234567899';"),
    'Project' => array($projectid, wanted($project, array('contactid' => 'linktoaccountscontacts'),
        array('agrprice', 'loss', 'servicecost', 'returned'),
        array('contactid' => $prefix['Contacts'], 'offenderid' => $prefix['Accounts'], 'agentid' => $prefix['Accounts']), $secret),
        "select * from Project where id='{$prefix['Project']}x$projectid' and region='Владивосток';"),
);
foreach ($records as $module => list($number, $want, $query)) {
    $id = $prefix[$module] . 'x' . $number;
    $record = get($endpointUrl, $sessionId, array('operation' => 'retrieve', 'id' => $id));
    $differ = differences($want, $record, $secret);
    step("retrieve $module", !$differ && $record['id'] === $id, array('id' => $record['id'], 'compared' => count($want), 'differ' => $differ));

    $rows = get($endpointUrl, $sessionId, array('operation' => 'query', 'query' => $query));
    $found = array_column($rows, null, 'id')[$id] ?? array();
    $differ = differences($want, $found, $secret);
    step("query $module", !$differ, array('rows' => count($rows), 'compared' => count($want), 'differ' => $differ));
}

curl_setopt($ch, CURLOPT_POSTFIELDS, array('operation' => 'logout', 'sessionName' => $sessionId));
$output = json_decode(curl_exec($ch), true);
step('logout', ($output['success'] ?? null) === true, array('answer' => $output));
