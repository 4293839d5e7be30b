package notice

import "time"

// Before gives the moment since which d of working time has passed at now: who
// has waited since before it has waited longer. Without a calendar all time
// counts. A calendar with so little working time gives a moment far back.
func (c *Calendar) Before(now time.Time, d time.Duration) time.Time {
	if c == nil {
		return now.Add(-d)
	}
	noon := c.noon(now)
	for i := range horizon {
		o := c.opening(noon.AddDate(0, 0, -i))
		until := earlier(o.to, now)
		worked := until.Sub(o.from)
		if worked <= 0 {
			continue
		}
		if worked >= d {
			return until.Add(-d)
		}
		d -= worked
	}
	return now.AddDate(-10, 0, 0)
}
