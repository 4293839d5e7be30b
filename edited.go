package styk

// Edited is the content of a ticket's delivery that a person mended: other values
// than the visitor sent, for this delivery only.
type Edited struct {
	Values map[string]string `json:"values"` // by the names of the form's fields
}

// Apply gives the fields with the edited values; fields itself stays as it is.
func (e Edited) Apply(fields []FieldValue) []FieldValue {
	out := make([]FieldValue, len(fields))
	for i, f := range fields {
		if v, edited := e.Values[f.Name]; edited {
			f.Value = v
		}
		out[i] = f
	}
	return out
}
