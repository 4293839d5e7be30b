package styk

// Comment is a remark on another record.
type Comment struct {
	Entity
	Text    string
	Related ID // the record it is about
	Parent  ID // the comment it answers
}

// Kind implements Record.
func (*Comment) Kind() Kind { return KindComment }

// Columns implements Record.
func (c *Comment) Columns() []Column {
	return []Column{
		{"text", &c.Text},
		{"related_id", &c.Related},
		{"parent_id", &c.Parent},
	}
}

// Label implements Record: the first words.
func (c *Comment) Label() string { return short(c.Text) }
