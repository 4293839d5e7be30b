package httpstory

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

type story struct {
	before []line // "> name = …" above the first step
	steps  []step
}

// A line is a piece of the file that still knows where it stood.
type line struct {
	no   int
	text string
}

type field struct {
	no          int
	name, value string
}

type step struct {
	title  string
	no     int    // line of the request
	before []line // "> name = …" above the request
	method string
	target string
	header []field
	body   body
	want   want
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) (\S.*)$`)
	statusLine  = regexp.MustCompile(`^HTTP (\d{3})$`)
	headerLine  = regexp.MustCompile(`^(![A-Za-z0-9-]+|[A-Za-z0-9-]+:.*)$`)
)

// parse reads a story. Its errors begin with the line's number.
func parse(text string) (*story, error) {
	var lines []line
	for i, s := range strings.Split(text, "\n") {
		lines = append(lines, line{i + 1, strings.TrimRight(s, " \t\r")})
	}
	st := new(story)
	head, rest := untilStep(lines)
	for _, l := range head {
		switch {
		case strings.HasPrefix(l.text, ">"):
			st.before = append(st.before, l)
		case l.text != "" && !strings.HasPrefix(l.text, "#"):
			return nil, fmt.Errorf("%d: a step begins with ### and its title", l.no)
		}
	}
	for len(rest) > 0 {
		title := rest[0]
		var block []line
		block, rest = untilStep(rest[1:])
		s, err := parseStep(title, block)
		if err != nil {
			return nil, err
		}
		st.steps = append(st.steps, *s)
	}
	if len(st.steps) == 0 {
		return nil, fmt.Errorf("1: no step: a step begins with ### and its title")
	}
	return st, nil
}

func untilStep(lines []line) (before, rest []line) {
	for i, l := range lines {
		if strings.HasPrefix(l.text, "###") {
			return lines[:i], lines[i:]
		}
	}
	return lines, nil
}

func parseStep(title line, block []line) (*step, error) {
	s := &step{title: strings.TrimSpace(strings.TrimLeft(title.text, "#")), no: title.no}
	if s.title == "" {
		return nil, fmt.Errorf("%d: a step needs a title after ###", title.no)
	}
	i := 0
	for ; i < len(block); i++ {
		if l := block[i]; strings.HasPrefix(l.text, ">") {
			s.before = append(s.before, l)
		} else if l.text != "" && !strings.HasPrefix(l.text, "#") {
			break
		}
	}
	if i == len(block) {
		return nil, fmt.Errorf("%d: %q has no request", title.no, s.title)
	}
	m := requestLine.FindStringSubmatch(block[i].text)
	if m == nil {
		return nil, fmt.Errorf("%d: want a request such as GET /path, have %q", block[i].no, block[i].text)
	}
	s.no, s.method, s.target = block[i].no, m[1], m[2]
	for i++; i < len(block) && block[i].text != "" && !statusLine.MatchString(block[i].text); i++ {
		name, value, ok := strings.Cut(block[i].text, ":")
		if !ok {
			return nil, fmt.Errorf("%d: want a header as Name: value, have %q", block[i].no, block[i].text)
		}
		s.header = append(s.header, field{block[i].no, name, strings.TrimSpace(value)})
	}
	status := i
	for status < len(block) && !statusLine.MatchString(block[status].text) {
		status++
	}
	if status == len(block) {
		return nil, fmt.Errorf("%d: %q has no expected answer: a line such as HTTP 200", s.no, s.title)
	}
	var err error
	if s.body, err = parseBody(trimBlank(block[i:status])); err != nil {
		return nil, err
	}
	s.want, err = parseWant(block[status], block[status+1:])
	return s, err
}

func trimBlank(lines []line) []line {
	for len(lines) > 0 && lines[0].text == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1].text == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func parseBody(lines []line) (body, error) {
	if len(lines) == 0 {
		return body{}, nil
	}
	b := body{no: lines[0].no}
	switch first := lines[0].text; {
	case first == "multipart:" || first == "urlencoded:":
		b.kind = strings.TrimSuffix(first, ":")
	case len(lines) == 1 && strings.HasPrefix(first, "@"):
		b.kind, b.text = "file", first[1:]
		return b, nil
	default:
		b.kind, b.text = "raw", join(lines)
		return b, nil
	}
	for _, l := range lines[1:] {
		text := strings.TrimLeft(l.text, " \t")
		if text == "" || strings.HasPrefix(text, "# ") {
			continue
		}
		// ": " and not ":", as Vtiger has fields named label:Имя.
		name, value, ok := strings.Cut(text, ": ")
		if !ok {
			if name, ok = strings.CutSuffix(text, ":"); !ok {
				return b, fmt.Errorf("%d: want name: value, have %q", l.no, text)
			}
		}
		b.fields = append(b.fields, field{l.no, name, strings.TrimSpace(value)})
	}
	return b, nil
}

func join(lines []line) string {
	var texts []string
	for _, l := range lines {
		texts = append(texts, l.text)
	}
	return strings.Join(texts, "\n")
}

var bodyWords = []string{"= ", "matches ", "contains ", "lacks ", "no ", "> "}

// parseWant reads all below the line HTTP nnn: headers, then checks, then JSON
// lines that are no check.
func parseWant(status line, lines []line) (want, error) {
	code, _ := strconv.Atoi(statusLine.FindStringSubmatch(status.text)[1])
	w := want{no: status.no, status: code}
	i := 0
	for ; i < len(lines) && headerLine.MatchString(lines[i].text); i++ {
		if name, absent := strings.CutPrefix(lines[i].text, "!"); absent {
			w.absent = append(w.absent, field{lines[i].no, name, ""})
			continue
		}
		name, value, _ := strings.Cut(lines[i].text, ":")
		w.header = append(w.header, field{lines[i].no, name, strings.TrimSpace(value)})
	}
	var jsonLines []line
	for _, l := range lines[i:] {
		word := checkWord(l.text)
		switch {
		case l.text == "" || strings.HasPrefix(l.text, "# "):
		case word == ">":
			w.capture = append(w.capture, l)
		case word == "=" && len(w.checks) > 0 && w.checks[len(w.checks)-1].name == "=":
			w.checks[len(w.checks)-1].value += "\n" + argument(l.text, word)
		case word != "":
			w.checks = append(w.checks, field{l.no, word, argument(l.text, word)})
		default:
			jsonLines = append(jsonLines, l)
		}
	}
	if len(jsonLines) > 0 {
		if c := jsonLines[0].text[0]; !strings.ContainsRune(`{["/ `, rune(c)) && jsonLines[0].text != "null" {
			return w, fmt.Errorf("%d: neither a check nor JSON: %q", jsonLines[0].no, jsonLines[0].text)
		}
		w.json = line{jsonLines[0].no, join(jsonLines)}
	}
	return w, nil
}

func checkWord(text string) string {
	if text == "empty" || text == "=" {
		return text
	}
	for _, word := range bodyWords {
		if strings.HasPrefix(text, word) {
			return strings.TrimSpace(word)
		}
	}
	return ""
}

func argument(text, word string) string {
	return strings.TrimPrefix(strings.TrimPrefix(text, word), " ")
}
