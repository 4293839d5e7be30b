// Package spec holds the protocols' numbered statements; its test sees to it
// that what the code cites is there.
package spec

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// As in "spec/vtiger.md 4.2", "spec/vtiger.md 1.3, 1.5" and "spec/vtiger.md 1.1–1.3".
	citation = regexp.MustCompile(`spec/([a-z0-9-]+)\.md(?:(?: ?§|:| ) ?(\d+(?:\.\d+)*(?:(?:, | and |–)\d+(?:\.\d+)*)*))?`)
	number   = regexp.MustCompile(`\d+(?:\.\d+)*`)
	heading  = regexp.MustCompile(`^#+ (\d+(?:\.\d+)*)\.? `)
	item     = regexp.MustCompile(`^(\d+)\. `)
)

// TestCitations finds each place a Go file cites among the headings of the page
// and the numbered items below them: item 3 of section 10 is 10.3.
func TestCitations(t *testing.T) {
	t.Parallel()
	pages := map[string]map[string]bool{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == ".tools") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" || filepath.Base(path) == "spec_test.go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, m := range citation.FindAllStringSubmatch(line, -1) {
				if pages[m[1]] == nil {
					pages[m[1]] = statements(t, m[1])
				}
				for _, n := range number.FindAllString(m[2], -1) {
					if !pages[m[1]][n] {
						t.Errorf("%s:%d cites spec/%s.md %s, which is not there", path, i+1, m[1], n)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNumbers asks that no page numbers two statements alike.
func TestNumbers(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no page here: %v", err)
	}
	for _, page := range pages {
		if got := statements(t, strings.TrimSuffix(page, ".md")); len(got) == 0 {
			t.Errorf("%s has no numbered statement", page)
		}
	}
}

func statements(t *testing.T, name string) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	text, err := os.ReadFile(name + ".md")
	if err != nil {
		t.Error(err)
		return known
	}
	section := ""
	add := func(n string) {
		if known[n] {
			t.Errorf("%s.md has two statements %s", name, n)
		}
		known[n] = true
	}
	for line := range strings.Lines(string(text)) {
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
			add(section)
		} else if m := item.FindStringSubmatch(line); m != nil && section != "" {
			add(section + "." + m[1])
		}
	}
	return known
}
