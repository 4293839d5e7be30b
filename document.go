package styk

// Document is a file of the CRM, or a link to one outside. Its bytes lie in
// package blob under Sum; Path is its working copy's place.
type Document struct {
	Entity
	Title       string
	FileName    string // the real name, kept through overwriting; of a link: the URL
	Path        string // storage/2026/November/week3/<32 hex>.pdf; empty for a link
	Type        string // media type by content
	Size        int64  // bytes
	Sum         string // SHA-256, hex
	Version     int64  // 1 for the first bytes
	Placeholder bool   // a stand-in that waits for the real file
	External    bool   // FileName is a URL
	Hidden      bool   // not active
	Text        string
	Folder      ID
	DiskSize    int64 // size and time of the working copy when last seen
	DiskTime    int64 // Unix ns
}

// Kind implements Record.
func (*Document) Kind() Kind { return KindDocument }

// Columns implements Record.
func (d *Document) Columns() []Column {
	return []Column{
		{"title", &d.Title},
		{"file_name", &d.FileName},
		{"path", &d.Path},
		{"type", &d.Type},
		{"size", &d.Size},
		{"sum", &d.Sum},
		{"version", &d.Version},
		{"placeholder", &d.Placeholder},
		{"external", &d.External},
		{"hidden", &d.Hidden},
		{"text", &d.Text},
		{"folder_id", &d.Folder},
		{"disk_size", &d.DiskSize},
		{"disk_time", &d.DiskTime},
	}
}

// Label implements Record.
func (d *Document) Label() string { return d.Title }
