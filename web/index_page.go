package web

import "net/http"

// indexPage tells what runs here and where to click.
type indexPage struct {
	Lang    string // ru or en
	Base    string
	Version string
	Demo    bool
}

func (o Options) index(w http.ResponseWriter, r *http.Request) {
	render(w, "index.html", indexPage{Lang: language(w, r), Base: o.Base(), Version: o.Version, Demo: o.Demo})
}

// T chooses between the languages.
func (p indexPage) T(ru, en string) string {
	if p.Lang == "en" {
		return en
	}
	return ru
}

// English says whether the page is in English.
func (p indexPage) English() bool { return p.Lang == "en" }
