package cookie

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"go.yaml.in/yaml/v3"

	"styk/connect"
)

// text is a compiled template; the zero text renders to "".
type text struct{ t *template.Template }

// compileText reads a template. In a path every placeholder is escaped, as
// html/template does for pages: what a visitor typed cannot leave its segment.
func compileText(where, source string, path bool) (*text, error) {
	t, err := template.New("").Option("missingkey=error").Funcs(functions).Parse(source)
	if err != nil {
		return nil, wrong(where, "%v", err)
	}
	if path {
		for _, t := range t.Templates() {
			escapePath(t.Root)
		}
	}
	return &text{t}, nil
}

func compileMap(where string, m map[string]string, path bool) (map[string]*text, error) {
	out := map[string]*text{}
	for name, source := range m {
		t, err := compileText(where+"."+name, source, path)
		if err != nil {
			return nil, err
		}
		out[name] = t
	}
	return out, nil
}

// escapePath ends every pipeline that prints with pathsegment.
func escapePath(n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, c := range n.Nodes {
			escapePath(c)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
				NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier("pathsegment").SetPos(n.Pos)},
			})
		}
	case *parse.IfNode:
		escapePath(n.List)
		escapePath(n.ElseList)
	case *parse.RangeNode:
		escapePath(n.List)
		escapePath(n.ElseList)
	case *parse.WithNode:
		escapePath(n.List)
		escapePath(n.ElseList)
	}
}

func (t *text) render(data map[string]any) (string, error) {
	var b strings.Builder
	if err := t.t.Execute(&b, data); err != nil {
		return "", err
	}
	return b.String(), nil
}

// functions of the templates; README.md lists them.
var functions = template.FuncMap{
	"pathsegment": func(v any) string {
		segment := url.PathEscape(fmt.Sprint(v))
		if strings.Trim(segment, ".") == "" { // "." and ".." walk
			return strings.ReplaceAll(segment, ".", "%2E")
		}
		return segment
	},
	"field":  func(form fields, name string) string { return form.t.Value(name) },
	"mapped": func(form fields, foreign string) string { return form.t.MappedTo(foreign) },
	"odata":  func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" },
	"htmltext": func(s string) string {
		s = strings.ReplaceAll(s, "\r\n", "\n")
		return strings.ReplaceAll(html.EscapeString(s), "\n", "<br>")
	},
	"digits": digits,
	"tail": func(n int, s string) string {
		r := []rune(s)
		return string(r[max(len(r)-n, 0):])
	},
	"cut": func(n int, s string) string {
		r := []rune(s)
		return string(r[:min(len(r), n)])
	},
	"lower": strings.ToLower,
	"otherwise": func(fallback, s string) string {
		if s == "" {
			return fallback
		}
		return s
	},
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// fields carries a ticket's form into templates: {{field .form "service"}}.
type fields struct{ t *connect.Ticket }

// ticketData gives what templates see of a ticket. steps grows under way.
func ticketData(settings map[string]any, t *connect.Ticket) map[string]any {
	data := map[string]any{
		"id": t.ID, "number": t.Number, "topic": t.Topic, "message": t.Message, "text": t.Text(),
		"created": t.Created.UTC().Format(time.RFC3339), "status_url": t.StatusURL,
		"form": fields{t}, "form_name": t.Form, "form_title": t.FormTitle,
		"contact": map[string]string{
			"name": t.Contact.Name, "last": t.Contact.Last, "first": t.Contact.First, "middle": t.Contact.Middle,
			"phone": t.Contact.Phone, "email": t.Contact.Email, "inn": t.Contact.INN, "company": t.Contact.Company,
		},
		"uuid":    "",
		"steps":   map[string]map[string]string{},
		"session": map[string]string{},
	}
	for name, v := range settings {
		data[name] = v
	}
	return data
}

func fileData(f connect.File) map[string]any {
	return map[string]any{
		"id": f.ID, "name": f.Name, "mime": f.MIME, "size": f.Size, "last": f.Size - 1,
		"sha256": f.SHA256, "url": f.URL,
	}
}

// sample is a ticket to try templates on.
func sample(settings map[string]any) map[string]any {
	return ticketData(settings, &connect.Ticket{})
}

// tree is a JSON body whose texts are templates. Values are put in as values and
// encoded afterwards, so nothing that a visitor typed can become syntax.
type tree struct {
	fixed  any // when nothing else is set
	leaf   *text
	list   []*tree
	object []member
	// mark is "$json" (the text is a JSON value, e.g. a bare number) or
	// "$some" (an empty text leaves the member out).
	mark string
}

type member struct {
	name  string
	value *tree
}

func compileTree(where string, n *yaml.Node) (*tree, error) {
	switch n.Kind {
	case yaml.SequenceNode:
		t := &tree{list: []*tree{}}
		for i, c := range n.Content {
			v, err := compileTree(fmt.Sprintf("%s.%d", where, i), c)
			if err != nil {
				return nil, err
			}
			t.list = append(t.list, v)
		}
		return t, nil
	case yaml.MappingNode:
		return compileObject(where, n)
	case yaml.AliasNode:
		// An alias may hold itself, or grow a few lines into gigabytes.
		return nil, wrong(where, "ссылки YAML (*имя) здесь не годятся: напишите значение")
	}
	if n.Tag == "!!str" {
		leaf, err := compileText(where, n.Value, false)
		return &tree{leaf: leaf}, err
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, wrong(where, "%v", err)
	}
	return &tree{fixed: v}, nil
}

func compileObject(where string, n *yaml.Node) (*tree, error) {
	t := &tree{object: []member{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		v, err := compileTree(where+"."+name, n.Content[i+1])
		if err != nil {
			return nil, err
		}
		if name == "$json" || name == "$some" {
			if v.leaf == nil || len(n.Content) != 2 {
				return nil, wrong(where, "%s стоит один и содержит текст", name)
			}
			v.mark = name
			return v, nil
		}
		t.object = append(t.object, member{name, v})
	}
	return t, nil
}

// omitted is what a "$some" without a value renders to.
type omitted struct{}

// render gives the value to be encoded. On sample data a "$json" may be no JSON.
func (t *tree) render(data map[string]any, trying bool) (any, error) {
	switch {
	case t.leaf != nil:
		s, err := t.leaf.render(data)
		switch {
		case err != nil:
			return nil, err
		case s == "" && t.mark == "$some":
			return omitted{}, nil
		case t.mark == "$json" && trying:
			return nil, nil
		case t.mark == "$json":
			if !json.Valid([]byte(s)) {
				return nil, fmt.Errorf("%q is not a JSON value", s)
			}
			return json.RawMessage(s), nil
		}
		return s, nil
	case t.list != nil:
		out := []any{}
		for _, c := range t.list {
			v, err := c.render(data, trying)
			if err != nil {
				return nil, err
			}
			if _, skip := v.(omitted); !skip {
				out = append(out, v)
			}
		}
		return out, nil
	case t.object != nil:
		out := map[string]any{}
		for _, m := range t.object {
			v, err := m.value.render(data, trying)
			if err != nil {
				return nil, err
			}
			if _, skip := v.(omitted); !skip {
				out[m.name] = v
			}
		}
		return out, nil
	}
	return t.fixed, nil
}
