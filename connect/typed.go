package connect

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Typed shows a stored setting as a person would type it: a list one entry a
// line, a tree as YAML. A setting that was left out is "".
func (f Field) Typed(v any) string {
	switch list := v.(type) {
	case nil:
		return ""
	case []string:
		return strings.Join(list, "\n")
	case []any:
		if f.Type == Tree {
			break
		}
		lines := make([]string, len(list))
		for i, e := range list {
			lines[i] = fmt.Sprint(e)
		}
		return strings.Join(lines, "\n")
	}
	if text, ok := v.(string); ok {
		return text
	}
	if f.Type == Tree {
		raw, err := yaml.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return strings.TrimRight(string(raw), "\n")
	}
	return fmt.Sprint(v)
}

// ReadTyped is the way back: what to store of a typed setting; nil where nothing
// was typed. Of a tree it says where the YAML breaks off; whether the value is a
// right one is for Kind.Check.
func (f Field) ReadTyped(text string) (any, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if f.Type != Tree {
		text = strings.TrimSpace(text)
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	switch f.Type {
	case Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			return b, nil
		}
	case Number:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
	case List:
		var list []any
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" {
				list = append(list, line)
			}
		}
		return list, nil
	case Tree:
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("это не YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		if !storableTree(v) {
			return nil, fmt.Errorf("ключи здесь — только слова")
		}
		return v, nil
	}
	return text, nil
}

// storableTree says whether a tree can be kept as JSON: YAML has keys that are no
// texts, JSON has none.
func storableTree(v any) bool {
	switch v := v.(type) {
	case map[any]any:
		return false
	case map[string]any:
		for _, e := range v {
			if !storableTree(e) {
				return false
			}
		}
	case []any:
		for _, e := range v {
			if !storableTree(e) {
				return false
			}
		}
	}
	return true
}
