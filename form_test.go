package styk_test

import (
	"errors"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"styk"
)

const feedback = `
name: feedback
title: Обратная связь
targets: [crm]
wait: 2s
after: reload
fields:
  - {name: service, label: Коммерческий сервис, type: select, options: [АТОЛ Онлайн, Кассы, Другое]}
  - {name: topic,   label: Тема обращения, type: text, required: true}
  - {name: inn,     label: ИНН, type: inn}
  - {name: phone,   label: Телефон, type: phone, required: true}
  - {name: email,   label: E-mail, type: email, required: true}
  - {name: message, label: Описание, type: textarea, required: true}
  - {name: file,    label: Файл, type: file, required: true, accept: [pdf, jpg, txt], max: 2}
  - {name: consent, label: Согласие, type: consent, required: true}
`

func feedbackForm(t testing.TB) *styk.Form {
	t.Helper()
	f := &styk.Form{}
	if err := yaml.Unmarshal([]byte(feedback), f); err != nil {
		t.Fatal(err)
	}
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	return f
}

// faults gives field=rule of every fault.
func faults(err error) string {
	var e *styk.Error
	if !errors.As(err, &e) {
		return ""
	}
	var out []string
	for _, f := range e.Faults {
		out = append(out, f.Field+"="+f.Rule)
	}
	return strings.Join(out, " ")
}

func good() map[string]string {
	return map[string]string{
		"service": "Кассы", "topic": " Не печатает\r\nкасса ", "inn": "7707083894", "phone": "8 (900) 123-45-67",
		"email": "anna@firm.ru", "message": "Первая\r\nвторая\x00", "consent": "on", "stranger": "x",
	}
}

func TestFormReadsAPost(t *testing.T) {
	t.Parallel()
	form := feedbackForm(t)
	if form.WaitFor().Seconds() != 2 {
		t.Errorf("wait %v", form.WaitFor())
	}
	got, err := form.Read(good(), []styk.FilledFile{{Field: "file", Name: "счёт.PDF", Ext: "pdf", Size: 3}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Fields) != 6 || got.Fields[1].Value != "Не печатает касса" || got.Fields[5].Value != "Первая\nвторая" {
		t.Errorf("fields %+v", got.Fields)
	}
	if len(got.Consents) != 1 || len(got.Consents[0].Version) != 16 {
		t.Errorf("consents %+v", got.Consents)
	}
	if len(got.Warnings) != 1 || got.Warnings[0].Field != "inn" {
		t.Errorf("warnings %+v", got.Warnings)
	}
}

func TestFormSaysAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	form := feedbackForm(t)
	_, err := form.Read(nil, nil)
	if want := "topic=required phone=required email=required message=required file=required consent=required"; faults(err) != want {
		t.Errorf("got %s\nwant %s", faults(err), want)
	}
	if !strings.Contains(err.Error(), "Прикрепите файл") {
		t.Errorf("the seed's words are missing: %v", err)
	}
	for _, c := range []struct{ field, value, want string }{
		{"phone", "12345", "phone=phone"},
		{"email", "anna@firm", "email=email"},
		{"service", "Чужое", "service=choice"},
		{"topic", strings.Repeat("ы", 1001), "topic=max_length"},
		{"consent", "0", "consent=required"},
		{"topic", "\u202e \t", "topic=required"},
	} {
		values := good()
		values[c.field] = c.value
		_, err := form.Read(values, []styk.FilledFile{{Field: "file", Name: "a.txt", Ext: "txt"}})
		if faults(err) != c.want {
			t.Errorf("%s %q: got %q, want %q", c.field, c.value, faults(err), c.want)
		}
	}
}

func TestFormLooksAtWhatAFileIs(t *testing.T) {
	t.Parallel()
	form := feedbackForm(t)
	for _, c := range []struct {
		name, ext string
		ok        bool
	}{
		{"a.pdf", "pdf", true}, {"a.JPEG", "jpg", true}, {"a.txt", "txt", true},
		{"a.pdf", "exe", false}, {"a.exe", "pdf", false}, {"a.pdf", "txt", false}, {"a", "pdf", false}, {"a.docx", "zip", false},
	} {
		_, err := form.Read(good(), []styk.FilledFile{{Field: "file", Name: c.name, Ext: c.ext}})
		if (err == nil) != c.ok {
			t.Errorf("%s with bytes of %s: %v", c.name, c.ext, err)
		}
	}
	three := make([]styk.FilledFile, 3)
	for i := range three {
		three[i] = styk.FilledFile{Field: "file", Name: "a.pdf", Ext: "pdf"}
	}
	if _, err := form.Read(good(), three); faults(err) != "file=max" {
		t.Errorf("three files: %v", err)
	}
}

func TestFormDefinitionIsChecked(t *testing.T) {
	t.Parallel()
	bad := `
name: "Кривая форма"
after: nowhere
wait: 1h
fields:
  - {name: "1x", type: text}
  - {name: a, type: number}
  - {name: a, type: select}
  - {name: b, type: text, options: [x], verify: sms}
`
	f := &styk.Form{}
	if err := yaml.Unmarshal([]byte(bad), f); err != nil {
		t.Fatal(err)
	}
	want := "name=name wait=range after=after fields[0].name=name fields[1].type=choice fields[2].name=unique " +
		"fields[2].options=required fields[3].options=unused fields[3].verify=later"
	if got := faults(f.Validate()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := yaml.Unmarshal([]byte("wait: soon"), f); err == nil {
		t.Error("a length of time that is none was taken")
	}
}

func FuzzFormRead(f *testing.F) {
	form := feedbackForm(f)
	f.Add("Кассы", "8 900 123-45-67", "anna@firm.ru", "a.pdf", "pdf")
	f.Add("\xff\x00", "+++", "@", "..", "")
	f.Fuzz(func(t *testing.T, text, phone, email, name, ext string) {
		values := map[string]string{"topic": text, "message": text, "phone": phone, "email": email, "consent": "1"}
		got, err := form.Read(values, []styk.FilledFile{{Field: "file", Name: name, Ext: ext}})
		if err != nil {
			return
		}
		for _, v := range got.Fields {
			if strings.ContainsRune(v.Value, 0) || strings.TrimSpace(v.Value) != v.Value {
				t.Errorf("%s kept %q", v.Name, v.Value)
			}
		}
		again := map[string]string{"consent": "1"}
		for _, v := range got.Fields {
			again[v.Name] = v.Value
		}
		if _, err := form.Read(again, []styk.FilledFile{{Field: "file", Name: name, Ext: ext}}); err != nil {
			t.Errorf("what was cleaned is refused: %v", err)
		}
	})
}
