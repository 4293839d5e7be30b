package connect

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
)

// Field is one setting of a Kind: enough to draw it, check it, seal it.
type Field struct {
	Name     string // key in YAML: never rename it
	Label    string // Russian
	Help     string // Russian; may be empty
	Type     FieldType
	Required bool
	Secret   bool   // sealed in the store, never shown again, masked everywhere
	Default  string // as it would be typed
	Options  []Option
	// Make makes a secret that the two sides agree on and that neither is given by
	// the other; nil where the foreign system gives it.
	Make func() string
}

// LinkDays is the setting of every kind that may put links to files into the
// foreign system: how long they lead there.
var LinkDays = Field{
	Name: "link_days", Label: "Ссылки на файлы живут, дней", Type: Number, Default: "0", Help: "0 — без срока. Любую можно закрыть на странице обращения.",
}

// Option is one choice of a Choice field.
type Option struct{ Value, Label string }

// FieldType says what a setting's value is.
type FieldType string

// The types, and the Go type of their value after Kind.Open.
const (
	Text     FieldType = "text"     // string
	URL      FieldType = "url"      // string, http or https, without a trailing slash
	Choice   FieldType = "choice"   // string, one of Options
	Number   FieldType = "number"   // int64
	Bool     FieldType = "bool"     // bool
	Duration FieldType = "duration" // time.Duration, typed as 30s, 4m
	Size     FieldType = "size"     // int64 bytes, typed as 10MB (1024-based)
	List     FieldType = "list"     // []string; in YAML a list, or words in one text
	Tree     FieldType = "tree"     // any YAML, checked by the connector; see Settings.Tree
)

// Open checks the settings against the kind's fields, fills in defaults, makes
// the connector, and sees to it that no error of it carries a secret. Everything
// wrong is told at once in a *styk.Error whose faults name the settings.
func (k Kind) Open(s Settings) (Connector, error) {
	values, err := k.Check(s.Values)
	if err != nil {
		return nil, err
	}
	s.Values = values
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Client == nil {
		s.Client = &http.Client{CheckRedirect: NoRedirect, Timeout: 100 * time.Second}
	}
	if s.Dial == nil {
		s.Dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	mask := NewMask(k.Secrets(values)...)
	c, err := k.New(s)
	if err != nil {
		return nil, mask.Error(err)
	}
	return veil(c, mask), nil
}

// Check gives the values with defaults filled in and types converted. It is what
// Open does first, for settings that are stored but not yet used.
func (k Kind) Check(values map[string]any) (map[string]any, error) {
	out := map[string]any{}
	var faults []styk.Fault
	for _, f := range k.Fields {
		v, err := f.read(values[f.Name])
		if err != nil {
			faults = append(faults, styk.Fault{Field: f.Name, Rule: string(f.Type), Text: err.Error()})
			continue
		}
		if f.Required && isEmpty(v) {
			faults = append(faults, styk.Fault{Field: f.Name, Rule: "required", Text: "заполните «" + f.Label + "»"})
			continue
		}
		out[f.Name] = v
	}
	hint := ""
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(k.Fields, func(f Field) bool { return f.Name == name }) {
			faults = append(faults, styk.Fault{Field: name, Rule: "unknown", Text: "нет такой настройки у " + k.Name})
			hint = cmp.Or(hint, k.nearest(name))
		}
	}
	if faults != nil {
		return nil, &styk.Error{Code: styk.Invalid, Faults: faults, Hint: hint}
	}
	return out, nil
}

// Secrets gives the secret texts among values, for masking.
func (k Kind) Secrets(values map[string]any) []string {
	var out []string
	for _, f := range k.Fields {
		if f.Secret {
			out = append(out, texts(values[f.Name])...)
		}
	}
	return out
}

// texts gives every non-empty text inside v.
func texts(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		if v != "" {
			out = append(out, v)
		}
	case []string:
		for _, e := range v {
			out = append(out, texts(e)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, texts(e)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, texts(v[key])...)
		}
	}
	return out
}

// read turns what YAML or the settings page gave into the field's Go type.
func (f Field) read(v any) (any, error) {
	if v == nil || v == "" {
		v = f.Default
	}
	switch f.Type {
	case Tree:
		if v == "" {
			return nil, nil
		}
		return v, nil
	case List:
		return readList(v)
	}
	text, err := scalar(v)
	if err != nil {
		return nil, err
	}
	switch f.Type {
	case URL:
		return readURL(text)
	case Choice:
		if text != "" && !slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == text }) {
			return nil, fmt.Errorf("одно из: %s", strings.Join(f.choices(), ", "))
		}
	case Number:
		n, err := strconv.ParseInt(cmp.Or(text, "0"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("нужно целое число")
		}
		return n, nil
	case Bool:
		b, err := strconv.ParseBool(cmp.Or(text, "false"))
		if err != nil {
			return nil, fmt.Errorf("нужно true или false")
		}
		return b, nil
	case Duration:
		d, err := time.ParseDuration(cmp.Or(text, "0s"))
		if err != nil || d < 0 {
			return nil, fmt.Errorf("нужна длительность, например 30s или 4m")
		}
		return d, nil
	case Size:
		return ParseSize(cmp.Or(text, "0"))
	}
	return text, nil
}

func (f Field) choices() []string {
	var out []string
	for _, o := range f.Options {
		out = append(out, o.Value)
	}
	return out
}

func scalar(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), nil
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(v), nil
	case time.Duration:
		return v.String(), nil
	}
	return "", fmt.Errorf("нужен текст, а не список или набор полей")
}

func readList(v any) ([]string, error) {
	switch v := v.(type) {
	case []string:
		return v, nil
	case []any:
		var out []string
		for _, e := range v {
			text, err := scalar(e)
			if err != nil {
				return nil, err
			}
			out = append(out, text)
		}
		return out, nil
	}
	text, err := scalar(v)
	return strings.Fields(text), err
}

func readURL(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("нужен адрес вида https://crm.firm.ru")
	}
	if u.User != nil {
		return "", fmt.Errorf("логин и пароль в адресе не нужны: для них есть свои поля")
	}
	return strings.TrimRight(text, "/"), nil
}

// ParseSize reads 10MB, 512KB, 1GB or a bare number of bytes; 1 KB = 1024.
func ParseSize(text string) (int64, error) {
	number := strings.TrimSpace(strings.ToUpper(text))
	unit := int64(1)
	for suffix, n := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = strings.TrimSpace(rest), n
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return 0, fmt.Errorf("нужен размер, например 10MB")
	}
	return n * unit, nil
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	}
	return false
}

// nearest gives the setting that name was perhaps meant to be, or "".
func (k Kind) nearest(name string) string {
	best, least := "", 3
	for _, f := range k.Fields {
		if d := distance(name, f.Name); d < least {
			best, least = f.Name, d
		}
	}
	return best
}

// distance counts the letters to change, add or drop between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := last
			if a[i] != b[j] {
				d++
			}
			last = row[j+1]
			row[j+1] = min(d, last+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// veiled is a connector whose errors are masked.
type veiled struct {
	Connector
	mask *Mask
}

func (v veiled) Check(ctx context.Context) error { return v.mask.Error(v.Connector.Check(ctx)) }
func (v veiled) Deliver(ctx context.Context, p *Parcel) error {
	return v.mask.Error(v.Connector.Deliver(ctx, p))
}

// veiledPuller keeps the optional ability visible.
type veiledPuller struct {
	veiled
	puller Puller
}

func (v veiledPuller) Pull(ctx context.Context, cursor string, take func(context.Context, Change) error) (string, error) {
	next, err := v.puller.Pull(ctx, cursor, take)
	return next, v.mask.Error(err)
}

func veil(c Connector, m *Mask) Connector {
	v := veiled{c, m}
	if p, ok := c.(Puller); ok {
		return veiledPuller{v, p}
	}
	return v
}
