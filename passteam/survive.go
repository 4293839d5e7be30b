package passteam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"styk"
)

// Survives1C tells what 1C would stumble over in an answer, nil for nothing. 1C
// deletes every per cent sign, parses what is left into structures, and reads
// properties by name without looking whether they are there
// (spec/passteam.md 2.3, spec/onec.md 2.6). It is for tests of every route.
func Survives1C(body []byte) error {
	if bytes.HasPrefix(body, []byte("\ufeff")) {
		return errors.New("a byte order mark stands in front")
	}
	if !utf8.Valid(body) {
		return errors.New("not UTF-8")
	}
	var lost []byte
	eachString(body, func(_, literal []byte, key bool) {
		if !key && lost == nil && bytes.IndexByte(literal, '%') >= 0 {
			lost = literal
		}
	})
	if lost != nil {
		return fmt.Errorf("a per cent sign in the value %.80s would be lost", lost)
	}
	d := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(body, []byte("%"), nil)))
	d.UseNumber()
	top, err := structure(d, "")
	if err != nil {
		return err
	}
	if _, err := d.Token(); err == nil || d.More() {
		return errors.New("something stands behind the envelope")
	}
	return checkEnvelope(top)
}

// structure reads one value as 1C does. Objects become maps.
func structure(d *json.Decoder, path string) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("%s: not JSON: %w", path, err)
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := structure(d, path+"[]")
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		return properties(d, path)
	}
	return token, nil
}

func properties(d *json.Decoder, path string) (map[string]any, error) {
	object, seen := map[string]any{}, map[string]string{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("%s: not JSON: %w", path, err)
		}
		key, _ := token.(string)
		if !styk.ValidVariable(key) {
			return nil, fmt.Errorf("%s: the key %q is no identifier", path, key)
		}
		if twin, found := seen[strings.ToLower(key)]; found {
			return nil, fmt.Errorf("%s: the keys %q and %q are one to 1C", path, twin, key)
		}
		seen[strings.ToLower(key)] = key
		if object[key], err = structure(d, path+"."+key); err != nil {
			return nil, err
		}
		if err := checkProperty(key, object[key]); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	_, err := d.Token()
	return object, err
}

// checkProperty looks at what goes into typed attributes of 1C.
func checkProperty(key string, v any) error {
	switch strings.ToLower(key) {
	case "installed":
		if _, ok := v.(bool); !ok {
			return fmt.Errorf("installed is %v, not true or false", v)
		}
	case "cardid":
		if _, ok := v.(string); !ok {
			return fmt.Errorf("cardId is %v, not text", v)
		}
	case "cardurl": // whoever opens the link from 1C's base has lost the sign
		if s, ok := v.(string); !ok || strings.Contains(s, "%") {
			return fmt.Errorf("cardUrl is %v, not text without per cent signs", v)
		}
	}
	return nil
}

func checkEnvelope(top any) error {
	e, ok := top.(map[string]any)
	if !ok || len(e) != 4 {
		return errors.New("not an object of result, message, code and error")
	}
	code, isNumber := e["code"].(json.Number)
	n, err := code.Int64()
	if !isNumber || err != nil || n < 200 || n > 599 {
		return fmt.Errorf("code %v is not a number 1C compares with", e["code"])
	}
	if _, ok := e["message"].(string); !ok {
		return errors.New("message is not text")
	}
	if failed, ok := e["error"].(bool); !ok || failed != (n != CodeOK) {
		return fmt.Errorf("error is %v with code %d", e["error"], n)
	}
	switch r := e["result"].(type) {
	case map[string]any, []any:
		return nil
	case bool:
		if r {
			return nil
		}
	}
	return fmt.Errorf("result is %v, not an object, a list or true", e["result"])
}
