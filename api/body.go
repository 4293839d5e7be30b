package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"styk"
	"styk/store"
)

const (
	maxBody  = 1 << 20 // bytes of JSON
	maxDepth = 20
)

// readBody reads the JSON of an operation that takes some; a file's bytes are
// left for its handler.
func (c *call) readBody() (err error) {
	if c.op.bytes {
		return nil
	}
	c.body, err = io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return styk.Failed(styk.TooLarge, "Тело запроса больше 1 МиБ")
	case err != nil:
		return malformed("Тело запроса не дочитано")
	case c.op.body == nil && len(bytes.TrimSpace(c.body)) > 0:
		return malformed("Эта операция не принимает тела")
	case c.op.body == nil:
		return nil
	}
	if kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); kind != "application/json" {
		return &failure{status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Message: "Нужен Content-Type: application/json"}
	}
	c.in = reflect.New(reflect.TypeOf(c.op.body)).Interface()
	return decode(c.body, c.in)
}

func malformed(text string) *failure {
	return &failure{status: http.StatusBadRequest, Code: "malformed", Message: text}
}

// decode reads JSON into a struct, and refuses by its name what encoding/json
// would pass over: unknown and doubled fields, another letter case, null, bytes
// that are no UTF-8, and NUL, which PostgreSQL does not store.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) {
		return malformed("Тело запроса не в UTF-8")
	}
	s := &strict{d: json.NewDecoder(bytes.NewReader(body))}
	s.d.UseNumber()
	if err := s.value("", reflect.TypeOf(into).Elem(), "", 0); err != nil {
		return malformed("Это не JSON: " + err.Error())
	}
	if _, err := s.d.Token(); !errors.Is(err, io.EOF) {
		return malformed("После JSON стоит ещё что-то")
	}
	if s.faults != nil {
		return &styk.Error{Code: styk.Invalid, Faults: s.faults}
	}
	err := json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return styk.FieldError(styk.Invalid, shown(wrong.Field), "type", "Здесь ожидается "+jsonWord(wrong.Type))
	}
	if err != nil {
		return styk.FieldError(styk.Invalid, "", "format", "Значение записано не так")
	}
	return nil
}

// jsonWord names what JSON calls a Go type.
func jsonWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true или false"
	case reflect.String:
		return "строка"
	case reflect.Slice:
		return "список"
	case reflect.Struct, reflect.Map:
		return "объект"
	}
	return "целое число"
}

// strict walks through JSON beside the type that shall take it.
type strict struct {
	d      *json.Decoder
	faults []styk.Fault
}

var errDeep = errors.New("слишком глубоко")

func (s *strict) fault(at, rule, text string) {
	if len(s.faults) < 50 {
		s.faults = append(s.faults, styk.Fault{Field: at, Rule: rule, Text: text})
	}
}

// value reads one value; t is nil where anything may stand, enum are the words
// of which one must stand, "" for any.
func (s *strict) value(at string, t reflect.Type, enum string, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	token, err := s.d.Token()
	if err != nil {
		return errors.New("оборвано или записано не так")
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return s.object(at, t, depth)
		}
		return s.list(at, t, enum, depth)
	case nil:
		s.fault(at, "null", "null здесь не ставят: пропустите поле или пришлите пустую строку")
	case string:
		if strings.ContainsRune(v, 0) {
			s.fault(at, "text", "Знака NUL в тексте быть не может")
		}
		if enum != "" && !slices.Contains(strings.Split(enum, ","), v) {
			s.fault(at, "choice", "Возможны "+strings.ReplaceAll(enum, ",", ", "))
		}
		s.moment(at, t, v)
	}
	return nil
}

var timeType = reflect.TypeFor[time.Time]()

func (s *strict) moment(at string, t reflect.Type, v string) {
	if t != timeType {
		return
	}
	if _, err := time.Parse(time.RFC3339, v); err != nil {
		s.fault(at, "date-time", "Время как 2026-11-21T12:00:00Z")
	}
}

func (s *strict) list(at string, t reflect.Type, enum string, depth int) error {
	var of reflect.Type
	if t != nil && t.Kind() == reflect.Slice {
		of = t.Elem()
	}
	for i := 0; s.d.More(); i++ {
		if err := s.value(at+"["+strconv.Itoa(i)+"]", of, enum, depth+1); err != nil {
			return err
		}
	}
	return s.end()
}

func (s *strict) end() error {
	if _, err := s.d.Token(); err != nil {
		return errors.New("оборвано или записано не так")
	}
	return nil
}

func (s *strict) object(at string, t reflect.Type, depth int) error {
	seen := map[string]bool{}
	for s.d.More() {
		token, err := s.d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return errors.New("оборвано или записано не так")
		}
		place := strings.TrimPrefix(at+"."+shown(name), ".")
		if seen[name] {
			s.fault(place, "once", "Поле стоит дважды")
		}
		seen[name] = true
		var of reflect.Type
		var f reflect.StructField
		switch {
		case strings.ContainsRune(name, 0):
			s.fault(place, "text", "Знака NUL в тексте быть не может")
		case t != nil && t.Kind() == reflect.Struct && t != timeType:
			var known bool
			if f, known = fieldsOf(t)[name]; !known {
				s.fault(place, "unknown", "Такого поля нет")
			}
			of = f.Type
		case t != nil && t.Kind() == reflect.Map:
			of = t.Elem()
		}
		if err := s.value(place, of, f.Tag.Get("enum"), depth+1); err != nil {
			return err
		}
	}
	for name, f := range required(t) {
		if !seen[name] {
			s.fault(strings.TrimPrefix(at+"."+name, "."), "required", "Не хватает: "+f.Tag.Get("doc"))
		}
	}
	return s.end()
}

// required gives the fields that a struct cannot be without.
func required(t reflect.Type) iter.Seq2[string, reflect.StructField] {
	return func(yield func(string, reflect.StructField) bool) {
		if t == nil || t.Kind() != reflect.Struct || t == timeType {
			return
		}
		for f := range fieldsIn(t) {
			if !optional(f) && !yield(jsonName(f), f) {
				return
			}
		}
	}
}

// optional says whether a field may be absent, in a request and in an answer.
func optional(f reflect.StructField) bool {
	_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return f.Type.Kind() == reflect.Pointer || strings.Contains(options, "omit")
}

// fieldsOf gives a struct's fields by their names in JSON.
func fieldsOf(t reflect.Type) map[string]reflect.StructField {
	all := map[string]reflect.StructField{}
	for f := range fieldsIn(t) {
		all[jsonName(f)] = f
	}
	return all
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		return f.Name
	}
	return name
}

// once makes a record under the caller's Idempotency-Key: the same key with the
// same values gives the record that was made before. It belongs in the closure
// that makes the record.
func (c *call) once(tx *store.Tx, values string, make func() (styk.ID, error)) (id styk.ID, err error) {
	key := c.r.Header.Get("Idempotency-Key")
	if key == "" {
		return make()
	}
	scope := "api:" + strconv.FormatInt(int64(c.key.ID), 10) + ":" + c.op.id
	sum := sha256.Sum256([]byte(c.r.URL.Path + "\n" + values))
	id, err = tx.Once(scope, key, hex.EncodeToString(sum[:]))
	if err != nil || id != 0 {
		return id, err
	}
	if id, err = make(); err != nil {
		return 0, err
	}
	return id, tx.Made(scope, key, id)
}

// checkOnce refuses a key that is no short printable text.
func (c *call) checkOnce() error {
	for _, key := range c.r.Header["Idempotency-Key"] {
		if len(key) > 200 || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			return styk.FieldError(styk.Invalid, "Idempotency-Key", "format", "До 200 латинских знаков")
		}
	}
	return nil
}

// tag gives a record's ETag: the number of its last change.
func tag(tx *store.Tx, id styk.ID) (string, error) {
	list, err := tx.History(id, 0, 1)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return `"` + strconv.FormatInt(list[0].Tick, 10) + `"`, nil
}

// match refuses a change of a record that is not as the caller knew it.
func (c *call) match(tx *store.Tx, id styk.ID) error {
	want := c.r.Header.Get("If-Match")
	if want == "" || want == "*" {
		return nil
	}
	is, err := tag(tx, id)
	if err != nil {
		return err
	}
	for part := range strings.SplitSeq(want, ",") {
		if strings.TrimSpace(part) == is {
			return nil
		}
	}
	return errChanged
}

// errChanged answers an If-Match that no longer holds.
var errChanged = &failure{status: http.StatusPreconditionFailed, Code: "changed", Message: "Запись с тех пор изменили: прочитайте её снова"}

// tagged sets the ETag of a record that is about to be shown.
func (c *call) tagged(tx *store.Tx, id styk.ID) error {
	is, err := tag(tx, id)
	if is != "" {
		c.w.Header().Set("ETag", is)
	}
	return err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
