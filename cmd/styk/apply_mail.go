package main

import (
	"encoding/json"
	"net/mail"
	"time"

	"go.yaml.in/yaml/v3"

	"styk"
	"styk/notice"
	"styk/store"
)

var (
	mailSection  = section{name: "mail", read: readMail, export: exportMail}
	hoursSection = section{name: "hours", read: readHours, export: exportHours}
)

// mailYAML says how letters go out and to whom those for the owner. All but
// owner, reply_to, silence and answer are settings of the target that it makes.
type mailYAML struct {
	URL        string         `yaml:"url,omitempty"`
	User       string         `yaml:"user,omitempty"`
	Password   string         `yaml:"password,omitempty"`
	From       string         `yaml:"from"`
	Owner      addressList    `yaml:"owner,omitempty"`
	ReplyTo    string         `yaml:"reply_to,omitempty"`
	Silence    *styk.Duration `yaml:"silence,omitempty"` // of working time without a form, then the owner is told
	Answer     *styk.Duration `yaml:"answer,omitempty"`  // of working time, then a ticket waits too long
	Inbox      string         `yaml:"inbox,omitempty"`   // where replies come
	Encryption string         `yaml:"encryption,omitempty"`
	Auth       string         `yaml:"auth,omitempty"`
	CA         string         `yaml:"ca,omitempty"`
	Helo       string         `yaml:"helo,omitempty"`
	Timeout    string         `yaml:"timeout,omitempty"`
}

// addressList is a list of addresses, or one text of them.
type addressList []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *addressList) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
		return node.Decode((*[]string)(l))
	}
	parsed, err := mail.ParseAddressList(node.Value)
	if err != nil {
		*l = addressList{node.Value} // told with its line by the check
		return nil
	}
	for _, a := range parsed {
		*l = append(*l, plainAddress(a))
	}
	return nil
}

// plainAddress writes an address as people do: the name is not encoded.
func plainAddress(a *mail.Address) string {
	if a.Name == "" {
		return a.Address
	}
	return a.Name + " <" + a.Address + ">"
}

// MarshalYAML implements yaml.Marshaler: one address stands alone.
func (l addressList) MarshalYAML() (any, error) { return wordList(l).MarshalYAML() }

func readMail(node *yaml.Node, p *problems) []step {
	var y mailYAML
	if !decodeStrict(node, &y, p) {
		return nil
	}
	p.declares(styk.MailTarget)
	t := &styk.Target{Name: styk.MailTarget, Kind: notice.Kind.Name, Settings: y.settings()}
	named := renamed(node, "owner", "to")
	checkTarget(t, &yaml.Node{Kind: yaml.MappingNode, Line: node.Line, Content: []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: "settings", Line: node.Line}, named,
	}}, p)
	more := mailMore{ReplyTo: y.ReplyTo}
	if y.ReplyTo != "" {
		if _, err := mail.ParseAddress(y.ReplyTo); err != nil {
			p.add(lineOf(node, "reply_to"), "such as info@firm.ru", "reply_to: %q is no address", y.ReplyTo)
		}
	}
	if y.Silence != nil {
		more.Silence = *y.Silence
		if d := time.Duration(more.Silence); d != 0 && d < time.Hour {
			p.add(lineOf(node, "silence"), "such as 24h", "silence: at least an hour, or 0s for never")
		}
	}
	if y.Answer != nil {
		more.Answer = *y.Answer
		if d := time.Duration(more.Answer); d < time.Minute {
			p.add(lineOf(node, "answer"), "such as 4h", "answer: at least a minute of working time")
		}
	}
	if len(y.Owner) == 0 && more.Silence != 0 {
		p.add(lineOf(node, "silence"), "name an owner", "silence: nobody is to be told")
	}
	return []step{targetStep(t, p.file, named), metaStep("mail", mailMeta, more)}
}

// settings are those of the target.
func (y *mailYAML) settings() map[string]any {
	all := map[string]any{}
	for name, v := range map[string]string{
		"url": y.URL, "user": y.User, "password": y.Password, "from": y.From, "encryption": y.Encryption,
		"auth": y.Auth, "inbox": y.Inbox, "ca": y.CA, "helo": y.Helo, "timeout": y.Timeout,
	} {
		if v != "" {
			all[name] = v
		}
	}
	if len(y.Owner) > 0 {
		list := make([]any, len(y.Owner))
		for i, v := range y.Owner {
			list[i] = v
		}
		all["to"] = list
	}
	return all
}

// renamed copies a mapping with one key called otherwise, so that a fault of the
// setting finds the line of the file.
func renamed(node *yaml.Node, from, to string) *yaml.Node {
	n := *node
	n.Content = append([]*yaml.Node{}, node.Content...)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == from {
			key := *n.Content[i]
			key.Value = to
			n.Content[i] = &key
		}
	}
	return &n
}

// metaStep keeps a setting that is one piece of JSON.
func metaStep(section, name string, want any) step {
	return func(_ *house, tx *store.Tx, dry bool) ([]string, error) {
		text, err := json.Marshal(want)
		if err != nil {
			return nil, err
		}
		old, err := tx.Meta(name)
		if err != nil || plainJSON(old) == plainJSON(string(text)) {
			return nil, err
		}
		line := "~ " + section + ": " + unlike("settings", plainJSON(old), plainJSON(string(text)))
		if dry {
			return []string{line}, nil
		}
		return []string{line}, tx.SetMeta(name, string(text))
	}
}

func plainJSON(text string) string {
	if text == "{}" || text == "null" {
		return ""
	}
	return text
}

func exportMail(tx *store.Tx) (any, error) {
	t, err := tx.Target(styk.MailTarget)
	if styk.CodeOf(err) == styk.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var more mailMore
	if err := loadMeta(tx, mailMeta, &more); err != nil {
		return nil, err
	}
	text := func(name string) string { s, _ := t.Settings[name].(string); return s }
	y := mailYAML{User: text("user"), From: text("from"), Owner: wordsOf(t.Settings["to"]), ReplyTo: more.ReplyTo,
		Encryption: text("encryption"), Auth: text("auth"), CA: text("ca"), Helo: text("helo"), Timeout: text("timeout")}
	if more.Silence != 0 {
		y.Silence = &more.Silence
	}
	if more.Answer != 0 {
		y.Answer = &more.Answer
	}
	return y, nil
}

func readHours(node *yaml.Node, p *problems) []step {
	var y notice.CalendarSettings
	if !decodeStrict(node, &y, p) {
		return nil
	}
	if _, err := notice.ParseCalendar(y); err != nil {
		addFaults(p, node, err, "")
		return nil
	}
	return []step{metaStep("hours", hoursMeta, y)}
}

func exportHours(tx *store.Tx) (any, error) {
	var y *notice.CalendarSettings
	if err := loadMeta(tx, hoursMeta, &y); err != nil || y == nil {
		return nil, err
	}
	return y, nil
}
