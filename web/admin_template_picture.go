package web

import (
	"net/http"
	"slices"

	"styk"
	"styk/wallet"
)

// actionPicture is noted of people's work on pictures.
const actionPicture = "template.picture"

// savePicture takes one upload for a place of the card, or takes it away.
func (a *admin) savePicture(v *visit) error {
	d, err := a.storedDraft(v)
	if err != nil {
		return err
	}
	place := wallet.Picture(v.r.PostForm.Get("place"))
	if !d.isStored || !slices.Contains(wallet.Pictures, place) {
		return errNoCards
	}
	said := "no-picture"
	var upload []byte
	if v.r.PostForm.Get("do") != "remove" {
		said = "picture"
		files, err := postedFiles(v.r, "picture")
		if err != nil {
			return styk.Failed(styk.Invalid, "")
		}
		if len(files) == 0 {
			d.spot, d.picture = string(place), styk.Failed(styk.Missing, choose(v.lang, "Выберите файл.", "Choose a file."))
			return a.templatePage(v, http.StatusUnprocessableEntity, d)
		}
		upload = files[0]
	}
	err = a.Cards.SavePicture(v.r.Context(), d.t.ID, place, upload)
	if code := styk.CodeOf(err); code == styk.Invalid || code == styk.TooLarge {
		d.spot, d.picture = string(place), err
		return a.templatePage(v, http.StatusUnprocessableEntity, d)
	}
	if err != nil {
		return err
	}
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionPicture, 0, 0); err != nil {
		return err
	}
	return v.redirect(templateAddress(d.t.ID)+"#pictures", said)
}

// showPicture gives a picture file of a template as it goes into passes.
func (a *admin) showPicture(v *visit) error {
	d, err := a.storedDraft(v)
	if err != nil {
		return err
	}
	if !d.isStored {
		return errNoCards
	}
	images, err := a.Cards.Images(v.r.Context(), d.t.ID, d.layout)
	if err != nil {
		return err
	}
	data := images.Files()[v.r.PathValue("name")]
	if data == nil {
		return errNoCards
	}
	v.w.Header().Set("Content-Type", "image/png")
	_, err = v.w.Write(data)
	return err
}
