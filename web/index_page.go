package web

import (
	"net/http"

	"styk"
	"styk/store"
)

// indexPage tells what runs here and where to click.
type indexPage struct {
	Lang    string // ru or en
	Base    string
	Version string
	Demo    bool
	Forms   []*styk.Form // of the demo; a company does not list its forms to strangers
	Admin   bool
}

func (o Options) index(w http.ResponseWriter, r *http.Request) {
	page := indexPage{Lang: language(w, r), Base: o.Base(), Version: o.Version, Demo: o.Demo, Admin: o.Staff != nil}
	if o.Demo && o.Intake != nil {
		err := o.DB.View(r.Context(), func(tx *store.Tx) (err error) {
			page.Forms, err = tx.Forms()
			return err
		})
		if err != nil && o.Log != nil {
			o.Log.Error("first page", "err", err)
		}
	}
	render(w, "index.html", page)
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
