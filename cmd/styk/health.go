package main

import (
	"styk/blob"
	"styk/web"
)

// health is what the people's overview shows of the process.
func (s *server) health() web.Health {
	v := s.h.vital.get()
	h := web.Health{Backup: v.Backup, Restored: v.Restored, Failed: v.Failed, Planned: s.backups, Free: -1}
	if roomy, ok := s.h.blobs.(blob.Roomy); ok {
		if free, err := roomy.FreeSpace(); err == nil {
			h.Free = free
		}
	}
	return h
}
