package cookie

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"styk/connect"
)

// recipe is what the settings say of one CRM. Texts with {{ }} are templates.
type recipe struct {
	Login   []*request        `yaml:"login"`   // one after another, cookies collected
	Keep    []string          `yaml:"keep"`    // names of cookies to keep; empty: all
	CSRF    []csrf            `yaml:"csrf"`    // the first whose cookie is there is sent
	Headers map[string]string `yaml:"headers"` // on every request
	Expired expired           `yaml:"expired"`
	Fail    []condition       `yaml:"fail"`  // business errors inside a success
	Empty   []string          `yaml:"empty"` // values that mean "none" in answers
	Check   *request          `yaml:"check"` // the harmless reading of "test connection"
	Steps   []*step           `yaml:"steps"`

	headers map[string]*text
}

type csrf struct {
	Cookie string `yaml:"cookie"`
	Header string `yaml:"header"`
}

// expired tells a dead session's answer: any of the signs is enough.
type expired struct {
	Status   []int  `yaml:"status"`
	Location string `yaml:"location"` // a part of a redirect's address
	Text     string `yaml:"text"`     // a part of a page's first 4 KB
}

// condition looks at one value of an answer's JSON.
type condition struct {
	JSON   string  `yaml:"json"`   // path
	Equals *string `yaml:"equals"` // true when equal …
	Not    *string `yaml:"not"`    // … or when different
	Say    string  `yaml:"say"`    // path of the message for a person
}

// step is one thing that the recipe does for a ticket. Either look, which is read
// in every attempt, or create (with find), which is done once.
type step struct {
	Name   string   `yaml:"name"`
	When   string   `yaml:"when"` // template; empty or "false" leaves the step out
	Each   string   `yaml:"each"` // "file": once for each file
	Look   *request `yaml:"look"`
	Find   *request `yaml:"find"`
	Create *request `yaml:"create"`
	// Repeatable says that the CRM itself knows a repetition, so no find is needed.
	Repeatable bool `yaml:"repeatable"`

	when *text
}

// request is one call and what to take from its answer.
type request struct {
	Method    string            `yaml:"method"` // default GET, with a body POST
	Path      string            `yaml:"path"`   // placeholders are escaped as path segments
	Query     map[string]string `yaml:"query"`
	Headers   map[string]string `yaml:"headers"`
	JSON      yaml.Node         `yaml:"json"`
	Form      map[string]string `yaml:"form"`
	Multipart []part            `yaml:"multipart"`
	Body      string            `yaml:"body"` // "file": the file's bytes

	OK   []condition       `yaml:"ok"`   // all must hold
	None []int             `yaml:"none"` // statuses that mean "nothing found"
	Take map[string]string `yaml:"take"` // name -> where it lies
	Need []string          `yaml:"need"` // taken names that must not be empty

	path           *text
	query, headers map[string]*text
	form           map[string]*text
	json           *tree
	take           map[string]*place
}

type part struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
	File  bool   `yaml:"file"`

	value *text
}

// recipeError is a mistake in the recipe; where is the path of the place.
type recipeError struct{ where, text string }

func (e *recipeError) Error() string { return e.where + ": " + e.text }

func wrong(where, format string, args ...any) error {
	return &recipeError{where, fmt.Sprintf(format, args...)}
}

var stepName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// compile reads every template and place of the recipe, and tries the templates
// on a sample ticket, so that a misspelt name is told now and not to a visitor.
func (r *recipe) compile(settings map[string]any) error {
	var err error
	if r.headers, err = compileMap("headers", r.Headers, false); err != nil {
		return err
	}
	if len(r.Login) == 0 {
		return wrong("login", "нужен хотя бы один запрос")
	}
	if len(r.Steps) == 0 {
		return wrong("steps", "нужен хотя бы один шаг")
	}
	data := sample(settings)
	for i, q := range r.Login {
		where := fmt.Sprintf("login.%d", i)
		if q == nil {
			return wrong(where, "пустой запрос")
		}
		if err := q.compile(where); err != nil {
			return err
		}
		if err := q.try(where, data); err != nil {
			return err
		}
		noteTaken(data["session"], q)
	}
	if err := tryMap("headers", r.headers, data); err != nil {
		return err
	}
	if r.Check != nil {
		if err := r.Check.compile("check"); err != nil {
			return err
		}
		if err := r.Check.try("check", data); err != nil {
			return err
		}
	}
	var names []string
	for i, s := range r.Steps {
		if s == nil {
			return wrong(fmt.Sprintf("steps.%d", i), "пустой шаг")
		}
		if !stepName.MatchString(s.Name) || slices.Contains(names, s.Name) {
			return wrong("steps."+s.Name, "имя шага: латинские буквы, цифры и _, у каждого своё")
		}
		names = append(names, s.Name)
		if err := s.compile(data); err != nil {
			return err
		}
	}
	return nil
}

func (s *step) compile(data map[string]any) error {
	where := "steps." + s.Name
	switch {
	case s.Look != nil && (s.Create != nil || s.Find != nil), s.Look == nil && s.Create == nil:
		return wrong(where, "нужно либо look, либо create")
	case s.Each != "" && s.Each != "file":
		return wrong(where+".each", "бывает только file")
	case s.Each != "" && s.Look != nil:
		return wrong(where+".each", "look выполняется один раз на обращение")
	case s.Create != nil && s.Find == nil && !s.Repeatable && !slices.Contains([]string{"GET", "PUT"}, s.Create.method()):
		return wrong(where, "нужен find, иначе после обрыва запись задвоится; "+
			"или repeatable: true, если система сама узнаёт повтор")
	}
	var err error
	if s.when, err = compileText(where+".when", s.When, false); err != nil {
		return err
	}
	for _, q := range s.requests() {
		if err := q.compile(where + "." + q.name); err != nil {
			return err
		}
		if q.needsFile() && s.Each == "" {
			return wrong(where+"."+q.name, "файл есть только в шаге с each: file")
		}
	}
	return s.try(where, data)
}

// named is a request and the key it stands under.
type named struct {
	name string
	*request
}

func (s *step) requests() []named {
	var out []named
	for _, q := range []named{{"look", s.Look}, {"find", s.Find}, {"create", s.Create}} {
		if q.request != nil {
			out = append(out, q)
		}
	}
	return out
}

// try renders everything of the step, then adds what it takes for later steps.
func (s *step) try(where string, data map[string]any) error {
	steps := data["steps"].(map[string]map[string]string)
	steps[s.Name] = map[string]string{"id": "", "number": ""}
	defer delete(data, "file")
	if s.Each != "" {
		data["file"] = fileData(connect.File{})
	}
	if _, err := s.when.render(data); err != nil {
		return wrong(where+".when", "%v", err)
	}
	for _, q := range s.requests() {
		if err := q.try(where+"."+q.name, data); err != nil {
			return err
		}
	}
	if s.Look != nil {
		noteTaken(steps[s.Name], s.Look)
	}
	return nil
}

func noteTaken(into any, q *request) {
	for name := range q.take {
		into.(map[string]string)[name] = ""
	}
}

func (q *request) compile(where string) error {
	if strings.ContainsAny(q.Path, "?#") {
		return wrong(where+".path", "параметры после ? пишутся в query")
	}
	if !strings.HasPrefix(q.Path, "/") {
		return wrong(where+".path", "путь начинается с /")
	}
	bodies := 0
	for _, has := range []bool{!q.JSON.IsZero(), q.Form != nil, q.Multipart != nil, q.Body != ""} {
		if has {
			bodies++
		}
	}
	if bodies > 1 || (q.Body != "" && q.Body != "file") {
		return wrong(where, "тело одно из: json, form, multipart, body: file")
	}
	var err error
	if q.path, err = compileText(where+".path", q.Path, true); err != nil {
		return err
	}
	if q.query, err = compileMap(where+".query", q.Query, false); err != nil {
		return err
	}
	if q.headers, err = compileMap(where+".headers", q.Headers, false); err != nil {
		return err
	}
	if q.form, err = compileMap(where+".form", q.Form, false); err != nil {
		return err
	}
	for i := range q.Multipart {
		if q.Multipart[i].value, err = compileText(where+".multipart", q.Multipart[i].Value, false); err != nil {
			return err
		}
	}
	if !q.JSON.IsZero() {
		if q.json, err = compileTree(where+".json", &q.JSON); err != nil {
			return err
		}
	}
	return q.compileTake(where)
}

func (q *request) compileTake(where string) error {
	q.take = map[string]*place{}
	for name, spec := range q.Take {
		p, err := parsePlace(spec)
		if err != nil {
			return wrong(where+".take."+name, "%v", err)
		}
		q.take[name] = p
	}
	for _, name := range q.Need {
		if q.take[name] == nil {
			return wrong(where+".need", "%s не берётся в take", name)
		}
	}
	return nil
}

// try renders every template of q on sample data.
func (q *request) try(where string, data map[string]any) error {
	if _, err := q.path.render(data); err != nil {
		return wrong(where+".path", "%v", err)
	}
	for name, m := range map[string]map[string]*text{"query": q.query, "headers": q.headers, "form": q.form} {
		if err := tryMap(where+"."+name, m, data); err != nil {
			return err
		}
	}
	for _, p := range q.Multipart {
		if _, err := p.value.render(data); err != nil {
			return wrong(where+".multipart."+p.Name, "%v", err)
		}
	}
	if q.json != nil {
		if _, err := q.json.render(data, true); err != nil {
			return wrong(where+".json", "%v", err)
		}
	}
	return nil
}

func tryMap(where string, m map[string]*text, data map[string]any) error {
	for name, t := range m {
		if _, err := t.render(data); err != nil {
			return wrong(where+"."+name, "%v", err)
		}
	}
	return nil
}

func (q *request) method() string {
	switch {
	case q.Method != "":
		return strings.ToUpper(q.Method)
	case !q.JSON.IsZero(), q.Form != nil, q.Multipart != nil, q.Body != "":
		return http.MethodPost
	}
	return http.MethodGet
}

func (q *request) needsFile() bool {
	return q.Body == "file" || slices.ContainsFunc(q.Multipart, func(p part) bool { return p.File })
}
