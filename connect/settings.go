package connect

import (
	"bytes"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// Text gives a Text, URL or Choice setting, or "".
func (s Settings) Text(name string) string { v, _ := s.Values[name].(string); return v }

// Number gives a Number setting, or 0.
func (s Settings) Number(name string) int64 { v, _ := s.Values[name].(int64); return v }

// Size gives a Size setting in bytes, or 0.
func (s Settings) Size(name string) int64 { v, _ := s.Values[name].(int64); return v }

// Bool gives a Bool setting, or false.
func (s Settings) Bool(name string) bool { v, _ := s.Values[name].(bool); return v }

// Duration gives a Duration setting, or 0.
func (s Settings) Duration(name string) time.Duration {
	v, _ := s.Values[name].(time.Duration)
	return v
}

// List gives a List setting, or nil.
func (s Settings) List(name string) []string { v, _ := s.Values[name].([]string); return v }

// Tree reads a Tree setting into the struct that into points to, by its yaml
// tags. An unknown key is an error that names the line below the setting. A
// setting that was left out leaves into as it is. A text is read as YAML, which
// is what the settings page sends.
func (s Settings) Tree(name string, into any) error {
	v := s.Values[name]
	if v == nil {
		return nil
	}
	text, ok := v.(string)
	if !ok {
		raw, err := yaml.Marshal(v)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		text = string(raw)
	}
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
