package web

import (
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/store"
	"styk/wallet"
)

// adminCertificatesPage shows what passes are signed with.
type adminCertificatesPage struct {
	adminFrame
	Rows     []adminCertificate
	Develop  bool // nothing of Apple's is here yet
	PassType string
	Fault    string
	Password string // what is wrong with the password
}

type adminCertificate struct {
	PassType  string
	Team      string
	Develop   bool
	Expires   moment
	Day       string
	Left      string
	Tone      string
	Created   moment
	Templates []string
}

const maxCertificateForm = 2 << 20

// actionCertificate is noted of people's work on certificates.
const actionCertificate = "certificate.saved"

func (a *admin) showCertificates(v *visit) error {
	return a.certificatesPage(v, http.StatusOK, adminCertificatesPage{})
}

func (a *admin) certificatesPage(v *visit, status int, p adminCertificatesPage) error {
	if a.Cards == nil {
		return errNoCards
	}
	p.adminFrame = a.frame(v, "/admin/templates", choose(v.lang, "Сертификаты", "Certificates"))
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		p.Rows, p.Develop = nil, true
		list, err := tx.CardCertificates()
		if err != nil {
			return err
		}
		templates, err := tx.CardTemplates()
		for _, c := range list {
			p.Rows = append(p.Rows, a.certificateRow(v.lang, c, templates))
			p.Develop = p.Develop && c.Development
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.show(v, status, "admin_certificates.html", p)
}

func (a *admin) certificateRow(lang string, c *store.CardCertificate, templates []*styk.CardTemplate) adminCertificate {
	left := c.Expires.Sub(a.Now())
	days := int64(math.Ceil(left.Hours() / 24))
	row := adminCertificate{PassType: c.PassType, Team: c.Team, Develop: c.Development, Expires: a.moment(lang, c.Expires), Created: a.moment(lang, c.Created),
		Day: c.Expires.In(a.Zone).Format("02.01.2006"), Tone: "good"}
	row.Left = choose(lang, "ещё ", "") + strconv.FormatInt(days, 10) + " " + plural(lang, days, "день", "дня", "дней", "day", "days") + choose(lang, "", " left")
	switch {
	case left <= 0:
		row.Tone, row.Left = "bad", choose(lang, "истёк", "expired")
	case left <= 7*24*time.Hour:
		row.Tone = "bad"
	case left <= 60*24*time.Hour:
		row.Tone = "wait"
	}
	for _, t := range templates {
		if a.Cards.PassTypeOf(t) == c.PassType {
			row.Templates = append(row.Templates, t.Name)
		}
	}
	return row
}

func (a *admin) saveCertificate(v *visit) error {
	if a.Cards == nil {
		return errNoCards
	}
	p := adminCertificatesPage{PassType: strings.TrimSpace(v.r.PostForm.Get("pass_type"))}
	files, err := postedFiles(v.r, "file")
	if err != nil {
		return styk.Failed(styk.Invalid, "")
	}
	if len(files) == 0 {
		p.Fault = choose(v.lang, "Выберите файл сертификата.", "Choose the certificate’s file.")
		return a.certificatesPage(v, http.StatusUnprocessableEntity, p)
	}
	signer, err := a.Cards.SaveCertificate(v.r.Context(), p.PassType, v.r.PostForm.Get("password"), files...)
	if err != nil && styk.CodeOf(err) == "" {
		return err
	}
	if err != nil {
		if p.Password = faultOf(err, "password"); p.Password == "" {
			p.Fault = faultText(err)
		}
		return a.certificatesPage(v, http.StatusUnprocessableEntity, p)
	}
	if err := a.callForCertificate(v, signer); err != nil {
		return err
	}
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionCertificate, 0, 0); err != nil {
		return err
	}
	return v.redirect("/admin/certificates", "certificate")
}

// calledAtOnce is how many cards' phones one transaction calls.
const calledAtOnce = 500

// callForCertificate makes the phones of a certificate's templates fetch their
// cards anew: they may have waited for it.
func (a *admin) callForCertificate(v *visit, signer *wallet.Signer) error {
	var list []*styk.CardTemplate
	err := a.DB.Update(v.r.Context(), func(tx *store.Tx) (err error) {
		if list, err = tx.CardTemplates(); err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(t *styk.CardTemplate) bool { return a.Cards.PassTypeOf(t) != signer.PassType })
		for _, t := range list {
			if err := tx.TouchTemplate(t.ID); err != nil {
				return err
			}
		}
		return nil
	})
	for _, t := range list {
		for after, first := styk.ID(0), true; err == nil && (first || after != 0); first = false {
			err = a.DB.Update(v.r.Context(), func(tx *store.Tx) (err error) {
				after, err = tx.CallTemplatePhones(t.ID, after, calledAtOnce)
				return err
			})
		}
	}
	return err
}

// postedFiles gives the bytes of all files that were chosen in one field.
func postedFiles(r *http.Request, name string) (all [][]byte, err error) {
	if r.MultipartForm == nil {
		return nil, nil
	}
	for _, head := range r.MultipartForm.File[name] {
		f, err := head.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(f)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, err
		}
		if len(data) > 0 {
			all = append(all, data)
		}
	}
	return all, nil
}
