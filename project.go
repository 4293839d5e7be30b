package styk

// Project is a client's case with the 27 fields of the first seed. Entity's
// Source carries "откуда пришли"; the SMS code is not a field, because it is
// never read back.
type Project struct {
	Entity
	Name         string
	Contact      ID
	Offender     ID
	Agent        ID
	IP           string
	Region       string
	FormID       string
	Category     string
	Direction    string
	AgrPrice     Money
	Subject      string
	AgrDate      Date
	StartDate    Date
	FinishDate   Date
	Loss         Money
	ServiceCost  Money
	Progress     string // per cent as given; outside 0–100 it bears a warning
	Country      string
	Hotel        string
	Transport    YesNo
	Insurance    YesNo
	Other        string
	Text         string
	Independent  YesNo // the claim procedure was kept by the client himself
	ClaimDate    Date
	Returned     Money
	Status       string
	ProjectType  string
	TargetEnd    Date
	ActualEnd    Date
	TargetBudget string
}

// Kind implements Record.
func (*Project) Kind() Kind { return KindProject }

// Columns implements Record.
func (p *Project) Columns() []Column {
	return []Column{
		{"name", &p.Name},
		{"contact_id", &p.Contact},
		{"offender_id", &p.Offender},
		{"agent_id", &p.Agent},
		{"ip", &p.IP},
		{"region", &p.Region},
		{"form_id", &p.FormID},
		{"category", &p.Category},
		{"direction", &p.Direction},
		{"agr_price", &p.AgrPrice},
		{"subject", &p.Subject},
		{"agr_date", &p.AgrDate},
		{"start_date", &p.StartDate},
		{"finish_date", &p.FinishDate},
		{"loss", &p.Loss},
		{"service_cost", &p.ServiceCost},
		{"progress", &p.Progress},
		{"country", &p.Country},
		{"hotel", &p.Hotel},
		{"transport", &p.Transport},
		{"insurance", &p.Insurance},
		{"other", &p.Other},
		{"text", &p.Text},
		{"independent", &p.Independent},
		{"claim_date", &p.ClaimDate},
		{"returned", &p.Returned},
		{"status", &p.Status},
		{"project_type", &p.ProjectType},
		{"target_end", &p.TargetEnd},
		{"actual_end", &p.ActualEnd},
		{"target_budget", &p.TargetBudget},
	}
}

// Label implements Record.
func (p *Project) Label() string { return p.Name }
