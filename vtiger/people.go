package vtiger

import (
	"styk"
	"styk/store"
)

// userRows gives the users whom the caller may see: all to an administrator,
// else himself. Disabled ones are left out, as in stock.
func (c *call) userRows() ([]Object, error) {
	users := []*styk.User{c.user}
	if c.user.Admin() {
		err := c.s.DB.View(c, func(tx *store.Tx) (err error) {
			users, err = tx.Users()
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var rows []Object
	for _, u := range users {
		if !u.Disabled {
			rows = append(rows, userRow(u))
		}
	}
	return rows, nil
}

// userRow is a user without anything secret, in the order of usersModule.
func userRow(u *styk.User) Object {
	status := "Active"
	if u.Disabled {
		status = "Inactive"
	}
	label := styk.Contact{FirstName: u.FirstName, LastName: u.LastName}
	values := map[string]string{
		"user_name": u.Name, "is_admin": onOff(u.Admin()), "first_name": u.FirstName, "last_name": u.LastName,
		"roleid": string(u.Role), "email1": u.Email, "status": status, "hour_format": "24",
		"date_format": "yyyy-mm-dd", "time_zone": "UTC", "language": "ru_ru", "userlabel": label.Label(),
	}
	return fixedRow(usersModule, values, usersModule.wsid(u.ID))
}

// folderRows is the one folder of documents.
func folderRows(*call) ([]Object, error) {
	return []Object{fixedRow(foldersModule, map[string]string{"foldername": "Default", "sequence": "1"}, defaultFolder)}, nil
}

func noRows(*call) ([]Object, error) { return nil, nil }

// fixedRow puts values into the order of a module's table.
func fixedRow(m *module, values map[string]string, id string) Object {
	row := make(Object, 0, len(m.fields)+1)
	for _, f := range m.fields {
		row.AddText(f.name, values[f.name])
	}
	row.AddText("id", id)
	return row
}

// retrieveFixed finds a row of a module that is not kept as records.
func (c *call) retrieveFixed(m *module, id WSID) (Value, error) {
	rows, err := m.rows(c)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if rowText(row, "id") == id.String() {
			return row, nil
		}
	}
	return nil, &wireError{CodeAccessDenied, MsgDenied}
}

// rowText gives a value of a row, "" when it has none.
func rowText(row Object, name string) string {
	for _, pair := range row {
		if pair.Name == name {
			text, _ := pair.Value.(Text)
			return string(text)
		}
	}
	return ""
}
