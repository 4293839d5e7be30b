package connecttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"styk/connect"
)

// Parcel gives the i-th standard parcel: a full ticket of one and the same
// customer, with a PDF and an empty file. It is not yet bound.
func Parcel(i int) *connect.Parcel {
	t := &connect.Ticket{
		ID:        fmt.Sprintf("0192f0c1-0000-7000-8000-%012d", i),
		Number:    fmt.Sprintf("2611-%04d-7", i),
		Form:      "feedback",
		FormTitle: "Обратная связь",
		Topic:     "Не печатает касса",
		Message:   "Добрый день!\nКасса молчит, помогите 🙏",
		Customer:  "phone:+79001234567",
		Contact: connect.Contact{
			Name: "Анна Иванова", Last: "Иванова", First: "Анна",
			Phone: "+79001234567", Email: "anna@firm.ru", INN: "7707083893", Company: "ООО «Ромашка»",
		},
		Created:   time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC),
		StatusURL: "https://styk.firm.ru/f/feedback/status/s3cret",
		Files: []connect.File{
			file("договор № 1.pdf", "application/pdf", []byte(fmt.Sprintf("%%PDF-1.4\n%% ticket %d\n%%%%EOF\n", i))),
			file("пусто.txt", "text/plain", nil),
		},
	}
	t.Fields = []connect.Value{
		{Name: "service", Label: "Коммерческий сервис", Type: "select", Value: "АТОЛ Онлайн"},
		{Name: "topic", Label: "Тема обращения", Type: "text", Value: t.Topic},
		{Name: "company", Label: "Организация", Type: "text", Value: t.Contact.Company},
		{Name: "inn", Label: "ИНН", Type: "inn", Value: t.Contact.INN},
		{Name: "name", Label: "Имя", Type: "text", Value: t.Contact.Name},
		{Name: "phone", Label: "Телефон", Type: "phone", Value: "+7 (900) 123-45-67"},
		{Name: "email", Label: "E-mail", Type: "email", Value: t.Contact.Email},
		{Name: "message", Label: "Описание", Type: "textarea", Value: t.Message},
	}
	return &connect.Parcel{ID: fmt.Sprintf("d%d", i), Target: "suite", Ticket: t}
}

func (w *world) parcel(i int) *connect.Parcel {
	p := Parcel(i)
	p.Ticket.Mapping = maps.Clone(w.c.Kind.Mapping)
	if w.c.Mapping != nil {
		p.Ticket.Mapping = maps.Clone(w.c.Mapping)
	}
	if w.c.Prepare != nil {
		w.c.Prepare(p)
	}
	return p
}

// set changes a field of the form and what was made of it.
func set(t *connect.Ticket, field, value string) {
	for i := range t.Fields {
		if t.Fields[i].Name == field {
			t.Fields[i].Value = value
		}
	}
	switch field {
	case "topic":
		t.Topic = value
	case "message":
		t.Message = value
	case "name":
		t.Contact.Name, t.Contact.First, t.Contact.Last = value, value, ""
	case "company":
		t.Contact.Company = value
	case "inn":
		t.Contact.INN = value
	case "phone":
		t.Contact.Phone = value
	case "email":
		t.Contact.Email = value
	}
}

// sparse leaves only what a form must have: a name, a phone, a word.
func sparse(p *connect.Parcel) {
	if p.Ticket == nil {
		return
	}
	for _, field := range []string{"service", "company", "inn", "email", "topic"} {
		set(p.Ticket, field, "")
	}
	p.Ticket.Contact.Last, p.Ticket.Contact.Middle = "", ""
	p.Ticket.Files, p.Ticket.StatusURL = nil, ""
}

// hostile types what people and attackers type.
func hostile(p *connect.Parcel) {
	if p.Ticket == nil {
		return
	}
	t := p.Ticket
	set(t, "topic", `O'Reilly "и" {{.Secret}} </script> % 100%25 \ ${x} `+string(rune(0x202e)))
	set(t, "message", "Ёлка 🦊👩‍👩‍👧\r\n<b>жирно</b> & 'quote' \"double\"\t\\n {{range}}\n--boundary--\nа+б=в")
	set(t, "name", `Д'Артаньян "Ёж" <script>alert(1)</script>`)
	set(t, "company", `ООО "Рога & Копыта" (филиал №1) eq 'x' or 1 eq 1`)
	t.Files[0].Name = "..\\..\\«Отчёт» \"2026\"; a=b\r\nX: y 🦊.pdf"
	t.Files = append(t.Files, file(t.Files[0].Name, "application/pdf", []byte("%PDF-1.4\nthe same name\n%%EOF\n")))
}

// stranger makes the ticket one of another customer.
func stranger(p *connect.Parcel, i int) {
	if p.Ticket == nil {
		return
	}
	set(p.Ticket, "phone", fmt.Sprintf("+7900%07d", 7_000_000+i))
	set(p.Ticket, "email", fmt.Sprintf("visitor%d@firm.ru", i))
	set(p.Ticket, "company", fmt.Sprintf("ООО «Ромашка %d»", i))
	p.Ticket.Customer = "phone:" + p.Ticket.Contact.Phone
}

func file(name, mime string, content []byte) connect.File {
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:])
	return connect.File{
		ID: hash[:12], Field: "file", Name: name, MIME: mime, Size: int64(len(content)), SHA256: hash,
		URL: "https://styk.firm.ru/d/" + hash[:24],
		Open: func(context.Context) (io.ReadSeekCloser, error) {
			return readSeekNop{bytes.NewReader(content)}, nil
		},
	}
}

type readSeekNop struct{ *bytes.Reader }

func (readSeekNop) Close() error { return nil }

var (
	noiseOnce  sync.Once
	noiseBytes []byte
)

// noise gives n bytes that look like nothing, the same each time.
func noise(n int) []byte {
	noiseOnce.Do(func() {
		noiseBytes = make([]byte, 20<<20)
		source := rand.NewChaCha8([32]byte{1})
		_, _ = source.Read(noiseBytes)
	})
	return noiseBytes[:n]
}
