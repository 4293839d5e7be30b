package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"styk"
	"styk/store"
)

// TestDemoGraduates: somebody changes a form in the demo and connects a system of
// his own; then the folder serves in public, with the form, the templates and his
// connection, with other keys, and with nothing of the samples in any file of it.
func TestDemoGraduates(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "demo")
	_, end := runHere(t, "demo", "--data", data)
	if out, code := command(t, "demo", "--graduate", "--data", data); code == exitWell || !strings.Contains(out, "in use") {
		t.Errorf("a running demo: %d %s", code, out)
	}
	end()
	f := &folder{Data: data}
	changeDemo(t, f)
	out := mustStyk(t, "demo", "--graduate", "--data", data)
	for _, want := range []string{"form feedback", "connection ours", "card template Карта гостя", "access key of user api: ", "token 1c: ", "accounting"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not tell %q:\n%s", want, out)
		}
	}
	lookGraduated(t, f)
	p := startStyk(t, "--listen", "0.0.0.0:0", "--data", data)
	key := regexp.MustCompile(`access key of user api: (\S+)`).FindStringSubmatch(out)[1]
	base := strings.Replace(p.base, "0.0.0.0", "127.0.0.1", 1)
	base = strings.Replace(base, "[::]", "127.0.0.1", 1)
	if _, err := logInWith(base, key); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if _, err := logInWith(base, demoKey); err == nil {
		t.Error("the published key still opens")
	}
	if out, code := command(t, "demo", "--graduate", "--data", filepath.Join(t.TempDir(), "none")); code == exitWell {
		t.Errorf("no demo: %s", out)
	}
	if out, code := command(t, "demo", "--graduate", "--data", newFolder(t)); code == exitWell || !strings.Contains(out, "no demo") {
		t.Errorf("a folder of real work: %d %s", code, out)
	}
}

func changeDemo(t *testing.T, f *folder) {
	t.Helper()
	h := openTestHouse(t, f)
	defer h.close()
	err := h.db.Update(t.Context(), func(tx *store.Tx) error {
		form, err := tx.Form(demoForm)
		if err != nil {
			return err
		}
		form.Title, form.Targets = "Напишите нам", append(form.Targets, "ours")
		if _, err := h.courier.SaveTargetIn(tx, &styk.Target{Name: "ours", Kind: "webhook",
			Settings: map[string]any{"url": "https://hooks.firm.example/styk", "secret": demoHookSecret}}); err != nil {
			return err
		}
		_, err = tx.SaveForm(form)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func lookGraduated(t *testing.T, f *folder) {
	t.Helper()
	h := openTestHouse(t, f)
	defer h.close()
	err := h.db.View(t.Context(), func(tx *store.Tx) error {
		form, err := tx.Form(demoForm)
		if err != nil {
			return err
		}
		if form.Title != "Напишите нам" || len(form.Targets) != 1 || form.Targets[0] != "ours" {
			t.Errorf("the form is %q for %v", form.Title, form.Targets)
		}
		target, err := tx.Target("ours")
		if err != nil {
			return err
		}
		if secret, _ := target.Settings["secret"].(string); !strings.HasPrefix(secret, "whsec_") || secret == demoHookSecret {
			t.Errorf("the published secret signs: %v", target.Settings["secret"])
		}
		templates, err := tx.CardTemplates()
		if err != nil || len(templates) != len(demoTemplates()) {
			t.Errorf("%d templates, %v", len(templates), err)
		}
		targets, err := tx.Targets()
		if len(targets) != 1 {
			t.Errorf("%d targets", len(targets))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	noSamples(t, f.Data)
}

// noSamples reads every byte of the folder.
func noSamples(t *testing.T, data string) {
	t.Helper()
	signs := []string{"9495550117", "949) 555", "s.orlov@example.ru", "visitor01@example.ru", "Орлов", demoINN, demoKey, demoToken, "placeholder 1 of 3"}
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, sign := range signs {
			if bytes.Contains(text, []byte(sign)) {
				t.Errorf("%s holds %q", path, sign)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, beside := range []string{".graduate", ".demo"} {
		if _, err := os.Stat(data + beside); err == nil {
			t.Errorf("%s is left", data+beside)
		}
	}
}
