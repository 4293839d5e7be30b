package httpstory

import (
	"crypto/md5" // #nosec: Vtiger's login is made of it
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// A scope is what the story remembers: named values, and the folder of its files.
type scope struct {
	dir    string
	values map[string]string
}

var (
	variable   = regexp.MustCompile(`\\\{|\{[A-Za-z_][A-Za-z0-9_]*\}`)
	assignment = regexp.MustCompile(`^> *([A-Za-z_][A-Za-z0-9_]*) *= *(.+)$`)
	call       = regexp.MustCompile(`^([a-z0-9]+)\((.*)\)$`)
	bodyRegex  = regexp.MustCompile(`^body /(.*)/$`)
	pathPart   = regexp.MustCompile(`^[^.\[\]]+|^\.[^.\[\]]+|^\[\d+\]`)
)

// expand puts the remembered values in. An unknown name is an error: it is
// nearly always a slip of the story's author.
func (v *scope) expand(text string) (string, error) { return v.expandBy(text, plain) }

func plain(s string) string { return s }

func (v *scope) expandBy(text string, how func(string) string) (string, error) {
	var unknown error
	out := variable.ReplaceAllStringFunc(text, func(m string) string {
		if m == `\{` {
			return "{"
		}
		value, ok := v.values[m[1:len(m)-1]]
		if !ok {
			unknown = fmt.Errorf("nothing is known as %s", m)
		}
		return how(value)
	})
	return out, unknown
}

// assign carries out "> name = expression"; got is nil above a request.
func (v *scope) assign(l line, got *answer) error {
	m := assignment.FindStringSubmatch(l.text)
	if m == nil {
		return fmt.Errorf("want > name = value, have %q", l.text)
	}
	value, err := v.eval(m[2], got)
	if err != nil {
		return fmt.Errorf("> %s = %s: %w", m[1], m[2], err)
	}
	v.values[m[1]] = value
	return nil
}

func (v *scope) eval(expr string, got *answer) (string, error) {
	if strings.HasPrefix(expr, `"`) {
		var s string
		if err := json.Unmarshal([]byte(expr), &s); err != nil {
			return "", err
		}
		return v.expand(s)
	}
	if m := call.FindStringSubmatch(expr); m != nil {
		return v.compute(m[1], m[2])
	}
	if got == nil {
		return "", fmt.Errorf(`there is no answer yet: only "text" and md5(…) and its like may stand here`)
	}
	if name, ok := strings.CutPrefix(expr, "header "); ok {
		if len(got.resp.Header.Values(name)) == 0 {
			return "", fmt.Errorf("the answer has no such header")
		}
		return got.resp.Header.Get(name), nil
	}
	if name, ok := strings.CutPrefix(expr, "cookie "); ok {
		for _, c := range got.resp.Cookies() {
			if c.Name == name {
				return c.Value, nil
			}
		}
		return "", fmt.Errorf("the answer sets no such cookie")
	}
	if m := bodyRegex.FindStringSubmatch(expr); m != nil {
		return got.find(m[1])
	}
	value, err := got.field(expr)
	if err != nil {
		return "", err
	}
	return asText(value), nil
}

func (v *scope) compute(function, arg string) (string, error) {
	var data []byte
	if name, ok := strings.CutPrefix(arg, "@"); ok {
		var err error
		if data, err = v.file(name); err != nil {
			return "", err
		}
	} else {
		text, err := v.expand(arg)
		if err != nil {
			return "", err
		}
		data = []byte(text)
	}
	switch function {
	case "md5":
		sum := md5.Sum(data) // #nosec
		return hex.EncodeToString(sum[:]), nil
	case "sha256":
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:]), nil
	case "base64":
		return base64.StdEncoding.EncodeToString(data), nil
	case "urlencode":
		return url.QueryEscape(string(data)), nil
	}
	return "", fmt.Errorf("no function %s: there are md5, sha256, base64, urlencode", function)
}

// find gives the first group of the regex in the body, or the whole match.
func (a *answer) find(regex string) (string, error) {
	re, err := regexp.Compile(regex)
	if err != nil {
		return "", err
	}
	m := re.FindStringSubmatch(string(a.body))
	if m == nil {
		return "", fmt.Errorf("the body does not match")
	}
	return m[min(1, len(m)-1)], nil
}

// field gives the value at a path such as result.files[0].path.
func (a *answer) field(path string) (any, error) {
	value, err := a.json()
	if err != nil {
		return nil, fmt.Errorf("the body is not JSON: %w", err)
	}
	for rest := path; rest != ""; {
		part := pathPart.FindString(rest)
		if part == "" {
			return nil, fmt.Errorf("%q is no path: want such as result.files[0].path", path)
		}
		rest = rest[len(part):]
		var ok bool
		if value, ok = member(value, part); !ok {
			return nil, fmt.Errorf("the answer has no %s", strings.TrimSuffix(path, rest))
		}
	}
	return value, nil
}

func member(value any, part string) (any, bool) {
	if strings.HasPrefix(part, "[") {
		list, ok := value.([]any)
		i, _ := strconv.Atoi(strings.Trim(part, "[]"))
		if !ok || i >= len(list) {
			return nil, false
		}
		return list[i], true
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	value, ok = object[strings.TrimPrefix(part, ".")]
	return value, ok
}

func asText(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	text, _ := encodeJSON(value, "")
	return text
}
