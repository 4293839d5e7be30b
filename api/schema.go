package api

import (
	"encoding/json"
	"iter"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// schemas gathers the JSON Schemas of our types, by their names.
type schemas struct {
	list  object
	types map[string]reflect.Type
}

// object is one JSON object of the document.
type object = map[string]any

// of gives the schema of a type, by reference where it has a name.
func (s *schemas) of(t reflect.Type) object {
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer", "format": "int64"}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		if t == timeType {
			return object{"type": "string", "format": "date-time"}
		}
		return s.named(t)
	}
	return object{} // any
}

func (s *schemas) named(t reflect.Type) object {
	name := schemaName(t)
	ref := object{"$ref": "#/components/schemas/" + name}
	if known := s.types[name]; known != nil {
		if known != t {
			panic("api: two types are named " + name) // at the start, in any test
		}
		return ref
	}
	s.types[name] = t // before its fields: a type may hold itself
	properties, need := object{}, []string{}
	whole := object{"type": "object", "properties": properties, "additionalProperties": false}
	s.list[name] = whole
	for f := range fieldsIn(t) {
		properties[jsonName(f)] = s.field(f)
		if !optional(f) {
			need = append(need, jsonName(f))
		}
	}
	if len(need) > 0 {
		whole["required"] = need
	}
	return ref
}

func (s *schemas) field(f reflect.StructField) object {
	schema := s.of(f.Type)
	if enum := f.Tag.Get("enum"); enum != "" {
		into := schema
		if items, ok := schema["items"].(object); ok {
			into = items
		}
		into["enum"] = strings.Split(enum, ",")
	}
	if doc := f.Tag.Get("doc"); doc != "" {
		schema["description"] = doc
	}
	return schema
}

// fieldsIn lists the fields that JSON shows, those of embedded structs too.
func fieldsIn(t reflect.Type) iter.Seq[reflect.StructField] {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous && f.Tag.Get("json") == "" {
				for inner := range fieldsIn(f.Type) {
					if !yield(inner) {
						return
					}
				}
				continue
			}
			if f.IsExported() && f.Tag.Get("json") != "-" && !yield(f) {
				return
			}
		}
	}
}

// schemaName gives the name of a type in the document: "ticketRow" is
// TicketRow, a page of them TicketRowPage.
func schemaName(t reflect.Type) string {
	name := t.Name()
	generic, of, found := strings.Cut(name, "[")
	if !found {
		return upper(name)
	}
	of = strings.TrimSuffix(of, "]")
	of = of[strings.LastIndexByte(of, '.')+1:]
	if generic == "all" {
		generic = "list"
	}
	return upper(of) + upper(generic)
}

func upper(name string) string {
	r := []rune(name)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// exampleOf makes an example of a type out of its fields' tags.
func exampleOf(t reflect.Type, depth int) any {
	switch t.Kind() {
	case reflect.Pointer:
		return exampleOf(t.Elem(), depth)
	case reflect.Bool:
		return false
	case reflect.String:
		return ""
	case reflect.Int, reflect.Int64:
		return 0
	case reflect.Slice:
		if depth > 4 {
			return []any{}
		}
		return []any{exampleOf(t.Elem(), depth+1)}
	case reflect.Map:
		return object{}
	case reflect.Struct:
		if t == timeType {
			return "2026-11-21T12:00:00Z"
		}
		whole := object{}
		for f := range fieldsIn(t) {
			if eg, given := fieldExample(f, depth); given {
				whole[jsonName(f)] = eg
			}
		}
		return whole
	}
	return object{}
}

// fieldExample gives an example for a field; an optional one without a word of
// its own is left out.
func fieldExample(f reflect.StructField, depth int) (any, bool) {
	eg, given := f.Tag.Lookup("eg")
	if !given {
		if enum := f.Tag.Get("enum"); enum != "" && f.Type.Kind() == reflect.String {
			return strings.Split(enum, ",")[0], true
		}
		return exampleOf(f.Type, depth), !optional(f)
	}
	return textExample(f.Type, eg), true
}

func textExample(t reflect.Type, eg string) any {
	switch t.Kind() {
	case reflect.Pointer:
		return textExample(t.Elem(), eg)
	case reflect.String:
		return eg
	case reflect.Bool:
		return eg == "true"
	case reflect.Int, reflect.Int64:
		n, _ := strconv.ParseInt(eg, 10, 64)
		return n
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return strings.Split(eg, ",")
		}
	}
	if t == reflect.TypeFor[time.Time]() {
		return eg
	}
	var v any
	if err := json.Unmarshal([]byte(eg), &v); err != nil {
		return eg // a test finds it: examples must fit their schemas
	}
	return v
}
