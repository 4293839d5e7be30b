package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"styk"
)

// dressOf gives the addresses of a form's theme and picture, "" where it has
// none. They change with their content, so they may be kept for long.
func dressOf(form *styk.Form) (dress, logo string) {
	if len(form.Theme) == 0 {
		return "", ""
	}
	text, _ := json.Marshal(form.Theme) // texts only
	sum := sha256.Sum256(text)
	path, version := "/f/"+url.PathEscape(form.Name), "?v="+hex.EncodeToString(sum[:4])
	if form.Theme[styk.ThemeLogo] != "" {
		logo = path + "/logo" + version
	}
	return path + "/theme.css" + version, logo
}

// showTheme answers GET /f/{form}/theme.css. Form.Validate has seen to it that
// no value can end its line.
func (s *forms) showTheme(w http.ResponseWriter, r *http.Request) {
	form, ok := s.dressed(w, r)
	if !ok {
		return
	}
	var light, dark strings.Builder
	for _, name := range styk.ThemeNames {
		property := strings.ReplaceAll(name, "_", "-")
		if v := form.Theme[name]; v != "" {
			light.WriteString("--light-" + property + ":" + withUnit(name, v) + ";")
			if name == "radius" || name == "font" { // alike by day and night
				dark.WriteString("--dark-" + property + ":" + withUnit(name, v) + ";")
			}
		}
		if v := form.Theme["dark_"+name]; v != "" {
			dark.WriteString("--dark-" + property + ":" + withUnit(name, v) + ";")
		}
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(".styk,.styk-dialog{" + light.String() + dark.String() + "}\n"))
}

func withUnit(name, value string) string {
	if name == "radius" && !strings.HasSuffix(value, "px") {
		return value + "px"
	}
	return value
}

// showLogo answers GET /f/{form}/logo.
func (s *forms) showLogo(w http.ResponseWriter, r *http.Request) {
	form, ok := s.dressed(w, r)
	if !ok {
		return
	}
	kind, data, _ := strings.Cut(strings.TrimPrefix(form.Theme[styk.ThemeLogo], "data:"), ";base64,")
	body, err := base64.StdEncoding.DecodeString(data)
	if err != nil || kind == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox") // an SVG opened by itself
	_, _ = w.Write(body)
}

// dressed finds the form of a theme; else it has answered.
func (s *forms) dressed(w http.ResponseWriter, r *http.Request) (*styk.Form, bool) {
	form, err := s.form(r)
	if err != nil {
		s.refuse(w, r, nil, viewOf(r.URL.Query()), err)
		return nil, false
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	return form, true
}
