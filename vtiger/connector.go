package vtiger

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"styk/connect"
)

// Kind is the connector as the courier and the settings page know it: a ticket
// becomes a contact, a counterparty and a project through the seed's operations,
// and its files overwrite placeholders handed in through a web form.
var Kind = connect.Kind{
	Name:  "vtiger",
	Title: "Vtiger",

	Parallel: 1, // stock has one login token per user: spec/vtiger.md 2.1
	Fields: []connect.Field{
		{Name: "url", Label: "Адрес CRM", Type: connect.URL, Required: true,
			Help: "Корень CRM, например https://crm.firm.ru; /webservice.php в конце можно не писать."},
		{Name: "user", Label: "Пользователь", Type: connect.Text, Required: true,
			Help: "Отдельный пользователь: у Vtiger один токен на пользователя."},
		{Name: "access_key", Label: "Ключ доступа", Type: connect.Text, Required: true, Secret: true,
			Help: "Access Key со страницы «Мои настройки» этого пользователя."},
		{Name: "operations", Label: "Операции", Type: connect.Choice, Default: "seed", Options: []connect.Option{
			{Value: "seed", Label: "CreateContact, CreateAccount, CreateProject, GetFilesList"},
		}},
		{Name: "known", Label: "Известный клиент", Type: connect.Choice, Default: knownKeep, Options: []connect.Option{
			{Value: knownKeep, Label: "не менять (нужно право на query)"},
			{Value: knownUpdate, Label: "обновлять тем, что прислала форма"},
		}},
		{Name: "idempotency", Label: "Повтор запроса", Type: connect.Choice, Default: "auto", Options: []connect.Option{
			{Value: "auto", Label: "определить самим"},
			{Value: repeatByID, Label: "сервер узнаёт requestid"},
			{Value: repeatByLook, Label: "искать по телефону, ИНН и номеру"},
		}},
		{Name: "defaults", Label: "Значения вместо пустых", Type: connect.Tree, Default: standIns,
			Help: "Операции CRM требуют и того, чего в форме нет: {contact: {…}, account: {…}, agent: {…}, project: {…}}."},
		{Name: "offender_id", Label: "Номер контрагента по умолчанию", Type: connect.Text,
			Help: "Для обращений, где форма не называет организацию; пусто — запись из defaults."},
		{Name: "phone_columns", Label: "Колонки телефона в запросе", Type: connect.List, Default: "mobile",
			Help: "Например mobile phone homephone otherphone."},
		{Name: "account_inn_column", Label: "Колонка ИНН контрагента в запросе", Type: connect.Text, Default: "inn",
			Help: "В чистом Vtiger это своё поле вида cf_921."},
		{Name: "number_field", Label: "Поле проекта для нашего номера", Type: connect.Text, Default: fieldDescription,
			Help: "description: последней строкой описания; другое поле CreateProject, например other: только номер."},
		{Name: "number_column", Label: "Колонка этого поля в запросе", Type: connect.Text, Default: fieldDescription},
		{Name: "number", Label: "Номер для посетителя", Type: connect.Choice, Default: "id", Options: []connect.Option{
			{Value: "id", Label: "номер записи проекта"},
			{Value: "none", Label: "не показывать"},
		}},
		{Name: "files", Label: "Файлы", Type: connect.Choice, Default: "auto", Options: []connect.Option{
			{Value: "auto", Label: "через capture.php, если задан publicid, иначе ссылкой"},
			{Value: filesCapture, Label: "через capture.php, затем перезапись"},
			{Value: filesLink, Label: "ссылкой в описании проекта"},
		}},
		{Name: "publicid", Label: "publicid веб-формы", Type: connect.Text, Help: "Для файлов: 32 знака из формы CRM."},
		{Name: "file_parts", Label: "Файловые поля веб-формы", Type: connect.List, Default: "file_1_1 file_1_2 file_1_3",
			Help: "Файлы сверх этого числа уходят ссылкой."},
		{Name: "capture_fields", Label: "Имена полей веб-формы", Type: connect.Tree,
			Help: "Где они не как в CreateContact: {inn: cf_907, code: cf_911}."},
		{Name: "overwrite", Label: "Перезапись файла", Type: connect.Choice, Default: overwritePut, Options: []connect.Option{
			{Value: overwritePut, Label: "PUT /storage/… с сессией"},
			{Value: overwriteOperation, Label: "операция PutFile"},
			{Value: overwriteFolder, Label: "PUT в папку на веб-сервере (WebDAV)"},
		}},
		{Name: "folder_url", Label: "Адрес папки", Type: connect.URL, Help: "Папка, в которой лежит storage/."},
		{Name: "folder_user", Label: "Пользователь папки", Type: connect.Text},
		{Name: "folder_password", Label: "Пароль папки", Type: connect.Text, Secret: true},
		{Name: "max_file", Label: "Файл не больше", Type: connect.Size, Default: "10MB", Help: "Больший уходит ссылкой."},
		connect.LinkDays,
	},
	Mapping: map[string]string{
		"service": "category",
		"topic":   "subject",
		"*":       fieldDescription,
	},
	New: newTarget,
}

// What the choice settings may be.
const (
	knownKeep, knownUpdate   = "keep", "update"
	repeatByID, repeatByLook = "requestid", "lookup"
	filesCapture, filesLink  = "capture", "link"

	overwritePut, overwriteOperation, overwriteFolder = "put", "putfile", "folder"

	fieldDescription = "description"
)

// standIns let the site's default form pass, which asks neither for a birthday
// nor for an ОГРН. They stand in the settings, where a person sees them.
const standIns = `{contact: {firstname: "—", lastname: "—", birthday: "1900-01-01", inn: "000000000000"}, ` +
	`account: {accountname: "Без организации", inn: "0000000000", ogrn: "0000000000000"}}`

// target is one configured CRM. It may be used by many goroutines.
type target struct {
	client   *Client
	set      connect.Settings
	defaults map[string]map[string]string
	form     map[string]string // field of CreateContact -> field of the web form

	mu    sync.Mutex
	ours  *bool                    // whether the server knows requestid; nil: not asked yet
	turns map[string]chan struct{} // by customer: one creation at a time
}

// newTarget makes the connector; it calls nobody.
func newTarget(s connect.Settings) (connect.Connector, error) {
	t := &target{set: s, turns: map[string]chan struct{}{}, defaults: map[string]map[string]string{}, form: map[string]string{}}
	if err := s.Tree("defaults", &t.defaults); err != nil {
		return nil, err
	}
	for group := range t.defaults {
		if group != ofContact && group != ofAccount && group != ofAgent && group != ofProject {
			return nil, fmt.Errorf("defaults: %q: есть только contact, account, agent и project", group)
		}
	}
	if err := s.Tree("capture_fields", &t.form); err != nil {
		return nil, err
	}
	columns := append(s.List("phone_columns"), s.Text("account_inn_column"), s.Text("number_column"))
	for _, name := range columns {
		if !isColumn.MatchString(name) {
			return nil, fmt.Errorf("%q не похоже на имя колонки", name)
		}
	}
	switch {
	case !slices.Contains(known[ofProject], s.Text("number_field")):
		return nil, fmt.Errorf("number_field: у CreateProject нет поля %q", s.Text("number_field"))
	case len(s.List("phone_columns")) == 0:
		return nil, errors.New("phone_columns: нужна хотя бы одна колонка")
	case s.Text("files") == filesCapture && s.Text("publicid") == "":
		return nil, errors.New("publicid: файлы через capture.php требуют publicid веб-формы")
	case s.Text("overwrite") == overwriteFolder && s.Text("folder_url") == "":
		return nil, errors.New("folder_url: укажите адрес папки")
	}
	t.client = &Client{
		URL:  strings.TrimSuffix(s.Text("url"), "/webservice.php") + "/webservice.php",
		User: s.Text("user"), AccessKey: s.Text("access_key"), Unescape: true,
	}
	return t, nil
}

// isColumn keeps what goes into a query unquoted to letters, digits and "_".
var isColumn = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

// Check signs in and asks the questions that delivering will ask.
func (t *target) Check(ctx context.Context) error {
	c := t.client.Via(t.set.Client)
	if _, _, err := c.Login(ctx); err != nil {
		return explained(err)
	}
	if t.set.Text("known") != knownKeep {
		return nil
	}
	for _, question := range []string{
		"select id from Contacts where " + t.set.List("phone_columns")[0] + " = '0' limit 1;",
		"select id from Accounts where " + t.set.Text("account_inn_column") + " = '0' limit 1;",
		"select id from Project where " + t.set.Text("number_column") + " = '0' limit 1;",
	} {
		if _, err := c.Query(ctx, question); err != nil {
			return explained(err)
		}
	}
	return nil
}

// isOurs tells whether the server knows a repetition by its requestid, which it
// is asked about once.
func (t *target) isOurs(ctx context.Context, c *Client) (bool, error) {
	switch t.set.Text("idempotency") {
	case repeatByID:
		return true, nil
	case repeatByLook:
		return false, nil
	}
	t.mu.Lock()
	known := t.ours
	t.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	ours, err := c.KnowsRequestID(ctx)
	if err != nil {
		return false, explained(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ours = &ours
	return ours, nil
}

// keyLife is how long a requestid is surely remembered: our server forgets one
// after seven days. The requests of an older ticket are looked up.
const keyLife = 6 * 24 * time.Hour

// turn lets one delivery at a time look for and make a customer: a plain
// handler looks and then inserts, and two at once would make two.
func (t *target) turn(ctx context.Context, key string) (end func(), err error) {
	for {
		t.mu.Lock()
		busy, taken := t.turns[key]
		if !taken {
			done := make(chan struct{})
			t.turns[key] = done
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				defer t.mu.Unlock()
				delete(t.turns, key)
				close(done)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
