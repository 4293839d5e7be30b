package styk

import (
	"regexp"
	"slices"
	"strings"
)

// Theme dresses a form: by the names of ThemeNames, and for dark screens by the
// same names behind "dark_". What is not said keeps the house's own look.
type Theme map[string]string

// ThemeNames are the eight things that a theme may set.
var ThemeNames = []string{"accent", "on_accent", "paper", "ink", "soft", "line", "radius", "font"}

// ThemeLogo names the picture above the form: a data: address of an image, as
// no page fetches anything from a foreign host.
const ThemeLogo = "logo"

const maxLogo = 64 << 10 // bytes of its address

var (
	themeColour = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)
	themeRadius = regexp.MustCompile(`^[0-9]{1,2}(px)?$`)
	themeFont   = regexp.MustCompile(`^[A-Za-z0-9 ,"'-]{1,200}$`)
	themeImage  = regexp.MustCompile(`^data:image/(png|jpeg|webp|svg\+xml);base64,[A-Za-z0-9+/]+=*$`)
)

// validate gives what is wrong with the theme; the faults name its keys.
func (t Theme) validate() (faults []Fault) {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if text := wrongInTheme(strings.TrimPrefix(name, "dark_"), t[name]); text != "" {
			faults = append(faults, Fault{Field: name, Rule: "theme", Value: short(t[name]), Text: text})
		}
	}
	return faults
}

func wrongInTheme(name, value string) string {
	switch {
	case name == ThemeLogo:
		if len(value) > maxLogo || !themeImage.MatchString(value) {
			return "картинка адресом data:image/png;base64,… (png, jpeg, webp, svg+xml), не длиннее 64 КБ"
		}
	case !slices.Contains(ThemeNames, name):
		return "бывает только " + strings.Join(ThemeNames, ", ") + ", " + ThemeLogo + " и то же с dark_"
	case name == "radius":
		if !themeRadius.MatchString(value) {
			return "скругление в точках, например 8px"
		}
	case name == "font":
		if !themeFont.MatchString(value) {
			return "имена шрифтов через запятую"
		}
	case !themeColour.MatchString(value):
		return "цвет вида #0b6e63"
	}
	return ""
}
