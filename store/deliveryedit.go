package store

import (
	"styk"
)

// EditDelivery gives a delivery of a ticket a content of its own and sends it
// again; nil takes it away, so that the delivery carries what the visitor sent.
// It is refused as SendAgain refuses. What was sent by the form is not touched.
func (tx *Tx) EditDelivery(id styk.ID, content []byte) (*styk.Delivery, error) {
	d, err := tx.SendAgain(id)
	if err != nil {
		return nil, err
	}
	if d.Subject != styk.SubjectTicket {
		return nil, styk.Failed(styk.Conflict, "Изменить можно только доставку обращения")
	}
	d.Content = content
	return d, tx.exec(`UPDATE delivery SET content = $2 WHERE id = $1`, int64(id), string(content))
}
