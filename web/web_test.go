package web

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func pages(demo bool) http.Handler {
	return New(Options{Base: func() string { return "http://127.0.0.1:8383" }, Version: "v1", Demo: demo})
}

func TestIndex(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		path, want string
		demo       bool
	}{
		{"/", `<html lang="ru">`, false},
		{"/", "Стык работает", false},
		{"/?lang=en", "styk is running", false},
		{"/", "DemoKey000000001", true},
	} {
		w := get(t, pages(one.demo), one.path)
		if w.Code != 200 || !strings.Contains(w.Body.String(), one.want) {
			t.Errorf("%s: %d, no %q", one.path, w.Code, one.want)
		}
	}
	if strings.Contains(get(t, pages(false), "/").Body.String(), "DemoKey") {
		t.Error("the key of the demo stands on a page that is no demo")
	}
}

func TestPagesFetchNothingForeign(t *testing.T) {
	t.Parallel()
	foreign := regexp.MustCompile(`(src|href)="(https?:)?//`)
	for _, path := range []string{"/", "/?lang=en", "/static/style.css"} {
		if found := foreign.FindString(get(t, pages(true), path).Body.String()); found != "" {
			t.Errorf("%s holds %s", path, found)
		}
	}
}

func TestNoFoldersNoOtherPaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/static/", "/nothing", "/static/../web.go"} {
		if w := get(t, pages(false), path); w.Code == 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(t, pages(false), "/static/style.css"); w.Code != 200 {
		t.Errorf("style: %d", w.Code)
	}
}
