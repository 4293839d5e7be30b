package vtiger

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"styk"
)

func TestWSID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]WSID{
		"12x83859": {12, 83859}, " 12x3 ": {12, 3}, "83859": {0, 83859},
		"": {}, "abc": {}, "12x": {}, "x5": {}, "12x-5": {}, "0x5": {}, "12x5x": {}, "12X5": {}, "+5": {}, "0": {}, "99999999999999999999": {}, "12x٣": {},
	} {
		got, err := ParseRecordID(text)
		if got != want || (err != nil) != want.IsZero() {
			t.Errorf("ParseRecordID(%q) = %v, %v", text, got, err)
		}
		if err != nil && styk.CodeOf(err) != styk.Reference {
			t.Errorf("%q: code of %v", text, err)
		}
	}
	if _, err := ParseWSID("83859"); err == nil {
		t.Error("ParseWSID took a bare number")
	}
	rapid.Check(t, func(t *rapid.T) {
		id := WSID{rapid.Int64Range(0, 99).Draw(t, "entity"), styk.ID(rapid.Int64Range(1, 1<<62).Draw(t, "record"))}
		if got, err := ParseRecordID(id.String()); got != id || err != nil {
			t.Fatalf("%v: %v, %v", id, got, err)
		}
	})
}

func FuzzRecordID(f *testing.F) {
	f.Add("12x5")
	f.Add("5")
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParseRecordID(text); err == nil && (id.Record <= 0 || id.Entity < 0) {
			t.Fatalf("%q gave %v", text, id)
		}
	})
}

func TestEntities(t *testing.T) {
	t.Parallel()
	for module, number := range map[string]int64{"Contacts": 12, "Accounts": 11, "Documents": 15, "Users": 19, "Project": 29, "ModComments": 30, "Nosuch": 0} {
		if got := EntityNumber(module); got != number {
			t.Errorf("%s is %d, want %d", module, got, number)
		}
		if number != 0 && ModuleOf(number) != module {
			t.Errorf("%d is %q", number, ModuleOf(number))
		}
	}
	if len(modules) != len(entities) {
		t.Error("two modules share a number")
	}
}

// spec/vtiger.md 6
func TestStorageFolder(t *testing.T) {
	t.Parallel()
	for day, week := range map[int]string{1: "week1", 7: "week1", 8: "week2", 14: "week2", 15: "week3", 21: "week3", 22: "week4", 28: "week4", 29: "week5", 31: "week5"} {
		got := StorageFolder(time.Date(2023, 12, day, 23, 59, 0, 0, time.UTC))
		if want := "storage/2023/December/" + week + "/"; got != want {
			t.Errorf("day %d: %s, want %s", day, got, want)
		}
	}
}

func TestValueTexts(t *testing.T) {
	t.Parallel()
	moscow := time.FixedZone("MSK", 3*3600)
	if got := timeText(time.Date(2026, 11, 22, 0, 12, 12, 0, moscow)); got != "2026-11-21 21:12:12" {
		t.Error(got)
	}
	if timeText(time.Time{}) != "" || boolText(true) != "1" || boolText(false) != "0" {
		t.Error("empty time or truth values")
	}
}
