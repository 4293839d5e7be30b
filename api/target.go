package api

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"styk"
	"styk/connect"
	"styk/staff"
	"styk/store"
)

// What is noted of work on connections.
const (
	actionCheck  = "target.checked"
	actionTarget = "target.saved"
)

var targetOperations = []operation{
	{id: "listKinds", method: "GET", path: "/kinds", rights: []staff.Right{staff.SeeConnections}, tag: "targets",
		says: words{"Виды систем и их настройки", "Kinds of systems and their settings"}, answer: all[kind]{}, handle: (*call).listKinds},
	{id: "listTargets", method: "GET", path: "/targets", rights: []staff.Right{staff.SeeConnections, staff.SeeDeliveries}, tag: "targets",
		says: words{"Подключения и их очереди", "Connections and their queues"}, answer: all[targetRow]{}, handle: (*call).listTargets},
	{id: "getTarget", method: "GET", path: "/targets/{name}", rights: []staff.Right{staff.SeeConnections}, tag: "targets",
		says: words{"Прочитать подключение, без секретов", "Read a connection, without its secrets"}, answer: target{}, handle: (*call).getTarget},
	{id: "saveTarget", method: "PUT", path: "/targets/{name}", rights: []staff.Right{staff.ManageConnections}, tag: "targets",
		says:  words{"Настроить подключение", "Set up a connection"},
		about: "A secret that is left out keeps its value.",
		body:  targetSettings{}, answer: target{}, handle: (*call).saveTarget},
	{id: "checkTarget", method: "POST", path: "/targets/{name}/check", rights: []staff.Right{staff.ManageConnections}, tag: "targets",
		says: words{"Проверить подключение настоящим входом", "Test a connection by a real login"}, answer: checked{}, handle: (*call).checkTarget},
	{id: "pauseTarget", method: "POST", path: "/targets/{name}/pause", rights: []staff.Right{staff.Steer}, tag: "targets",
		says: words{"Поставить на паузу", "Pause it"}, body: pausing{}, answer: targetRow{}, handle: (*call).pauseTarget},
	{id: "resumeTarget", method: "POST", path: "/targets/{name}/resume", rights: []staff.Right{staff.Steer}, tag: "targets",
		says: words{"Снять с паузы", "Let it run again"}, answer: targetRow{}, handle: (*call).resumeTarget},
}

type kind struct {
	Name     string    `json:"name" eg:"creatio"`
	Title    string    `json:"title" eg:"Creatio"`
	Parallel int       `json:"parallel" doc:"Deliveries at once, where a target does not say." eg:"2"`
	Fields   []setting `json:"fields"`
}

type setting struct {
	Name     string   `json:"name" eg:"url"`
	Label    string   `json:"label" eg:"Адрес"`
	Help     string   `json:"help"`
	Type     string   `json:"type" doc:"text, url, choice, number, bool, duration, size, list, tree" eg:"url"`
	Required bool     `json:"required" eg:"true"`
	Secret   bool     `json:"secret" doc:"Sealed and never shown again."`
	Default  string   `json:"default"`
	Options  []string `json:"options,omitempty"`
}

func showKind(k connect.Kind) kind {
	shown := kind{k.Name, k.Title, k.Parallel, []setting{}}
	for _, f := range k.Fields {
		one := setting{Name: f.Name, Label: f.Label, Help: f.Help, Type: string(f.Type), Required: f.Required, Secret: f.Secret, Default: f.Default}
		for _, o := range f.Options {
			one.Options = append(one.Options, o.Value)
		}
		shown.Fields = append(shown.Fields, one)
	}
	return shown
}

func (c *call) listKinds() (any, error) { return allOf(c.s.Courier.Kinds(), showKind), nil }

type targetRow struct {
	Name      string    `json:"name" eg:"crm"`
	Kind      string    `json:"kind" eg:"creatio"`
	Disabled  bool      `json:"disabled" doc:"Nothing new is sent there."`
	Paused    time.Time `json:"paused,omitzero" doc:"Since when it stands; absent: it runs."`
	PausedWhy string    `json:"paused_why"`
	Waiting   int64     `json:"waiting" doc:"Deliveries that wait for their time." eg:"3"`
	UnderWay  int64     `json:"under_way" eg:"1"`
	Failed    int64     `json:"failed" doc:"Those that wait for a person." eg:"0"`
	Oldest    time.Time `json:"oldest,omitzero" doc:"When the oldest waiting one was made."`
}

func showTargetRow(t *styk.Target, q store.QueueState) targetRow {
	return targetRow{t.Name, t.Kind, t.Disabled, t.Paused, t.PausedWhy, q.Waiting, q.UnderWay, q.Failed, q.Oldest}
}

type target struct {
	targetRow
	Parallel int               `json:"parallel" doc:"Deliveries at once; 0: the kind's own." eg:"2"`
	Settings map[string]any    `json:"settings" eg:"{\"url\":\"https://crm.firm.ru\"}"`
	Secrets  []string          `json:"secrets" doc:"Names of the settings that are sealed." eg:"password"`
	Mapping  map[string]string `json:"mapping" eg:"{\"topic\":\"Subject\"}"`
	Version  int64             `json:"version" eg:"1"`
}

// targets reads all of them with what waits for each; secrets stay closed.
func (c *call) targets() (list []*styk.Target, queues map[styk.ID]store.QueueState, err error) {
	err = c.view(func(tx *store.Tx) (err error) {
		queues = map[styk.ID]store.QueueState{}
		if list, err = tx.Targets(); err != nil {
			return err
		}
		states, err := tx.QueueStates()
		for _, q := range states {
			queues[q.Target] = q
		}
		return err
	})
	return list, queues, err
}

func (c *call) target(name string) (*styk.Target, store.QueueState, error) {
	list, queues, err := c.targets()
	if err != nil {
		return nil, store.QueueState{}, err
	}
	i := slices.IndexFunc(list, func(t *styk.Target) bool { return t.Name == name })
	if i < 0 {
		return nil, store.QueueState{}, styk.Failed(styk.NotFound, "Такого подключения нет")
	}
	return list[i], queues[list[i].ID], nil
}

func (c *call) listTargets() (any, error) {
	list, queues, err := c.targets()
	return allOf(list, func(t *styk.Target) targetRow { return showTargetRow(t, queues[t.ID]) }), err
}

func (c *call) getTarget() (any, error) {
	t, q, err := c.target(c.r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	shown := target{showTargetRow(t, q), t.Parallel, map[string]any{}, append([]string{}, t.Secrets...), map[string]string{}, t.Version}
	maps.Copy(shown.Mapping, t.Mapping)
	for name, value := range t.Settings {
		if !slices.Contains(t.Secrets, name) {
			shown.Settings[name] = value
		}
	}
	_, err = json.Marshal(shown) // what YAML may hold and JSON not
	return shown, err
}

func (c *call) targetRow() (any, error) {
	t, q, err := c.target(c.r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	return showTargetRow(t, q), nil
}

type targetSettings struct {
	Kind     string            `json:"kind" eg:"creatio"`
	Parallel int               `json:"parallel,omitempty" doc:"0: the kind's own."`
	Settings map[string]any    `json:"settings" eg:"{\"url\":\"https://crm.firm.ru\",\"user\":\"api\",\"password\":\"secret\"}"`
	Mapping  map[string]string `json:"mapping,omitempty"`
	Disabled bool              `json:"disabled,omitempty"`
}

func (c *call) saveTarget() (any, error) {
	in := c.in.(*targetSettings)
	t := &styk.Target{Name: c.r.PathValue("name"), Kind: in.Kind, Parallel: in.Parallel, Settings: in.Settings, Mapping: in.Mapping,
		Disabled: in.Disabled}
	if _, err := c.s.Courier.SaveTarget(c, t); err != nil {
		return nil, err
	}
	if err := c.note(actionTarget, t.ID, 0); err != nil {
		return nil, err
	}
	return c.getTarget()
}

type checked struct {
	OK        bool            `json:"ok" eg:"true"`
	Cause     string          `json:"cause" doc:"What is wrong, in Russian; empty: nothing."`
	Exchanges []styk.Exchange `json:"exchanges" doc:"The requests and answers, secrets masked."`
}

func (c *call) checkTarget() (any, error) {
	t, _, err := c.target(c.r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	exchanges, err := c.s.Courier.Check(c, t.Name)
	if err := c.note(actionCheck, t.ID, 0); err != nil {
		return nil, err
	}
	shown := checked{OK: err == nil, Exchanges: append([]styk.Exchange{}, exchanges...)}
	if err != nil {
		shown.Cause = connect.Explain(err)
	}
	return shown, nil
}

type pausing struct {
	Why string `json:"why,omitempty" doc:"For whoever finds it paused." eg:"CRM обновляют до 18:00"`
}

func (c *call) pauseTarget() (any, error) {
	return c.steer(actionPause, func(name string) error { return c.s.Courier.Pause(c, name, c.in.(*pausing).Why) })
}

func (c *call) resumeTarget() (any, error) {
	return c.steer(actionResume, func(name string) error { return c.s.Courier.Resume(c, name) })
}

func (c *call) steer(action string, do func(name string) error) (any, error) {
	t, _, err := c.target(c.r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	if err := do(t.Name); err != nil {
		return nil, err
	}
	if err := c.note(action, t.ID, 0); err != nil {
		return nil, err
	}
	return c.targetRow()
}
