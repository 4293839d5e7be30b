package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// documentOf writes the OpenAPI document of a table of operations.
func documentOf(table []operation, version string) []byte {
	if version == "" {
		version = "dev"
	}
	parts := &schemas{list: object{}, types: map[string]reflect.Type{}}
	parts.of(reflect.TypeFor[problem]())
	paths := object{}
	for i := range table {
		op := &table[i]
		path, ok := paths[op.path].(object)
		if !ok {
			path = object{}
			paths[op.path] = path
		}
		path[strings.ToLower(op.method)] = op.describe(parts)
	}
	var tags []object
	for _, s := range subjects {
		tags = append(tags, object{"name": s.tag, "description": s.en})
	}
	b, err := json.Marshal(object{
		"openapi": "3.1.0",
		"info": object{"title": "styk", "version": version, "description": "What the people's pages of styk show and change, for programs. " +
			"Lists go from the newest on; `next` is the address of the following page. Unknown fields and parameters are refused by name. " +
			"The scopes of a key are the rights of the people's pages under other names: " + strings.Join(ScopeNames(), ", ") + "."},
		"servers":  []object{{"url": Root}},
		"tags":     tags,
		"security": []object{{"key": []string{}}},
		"paths":    paths,
		"components": object{
			"schemas": parts.list,
			"securitySchemes": object{"key": object{"type": "http", "scheme": "bearer",
				"description": "A key made by `styk key add NAME --scope …`; it begins with " + KeyPrefix + "."}},
			"responses": object{"Refused": object{"description": "What was wrong.", "content": object{"application/json": object{
				"schema": object{"$ref": "#/components/schemas/Problem"}, "example": exampleOf(reflect.TypeFor[problem](), 0)}}}},
		},
	})
	if err != nil {
		panic(err) // maps, texts and numbers: a test writes it
	}
	return b
}

// describe is the operation as an object of the document.
func (o *operation) describe(parts *schemas) object {
	about := o.about
	if len(o.rights) > 0 {
		about = strings.TrimSpace(about + " Needs the scope " + o.scopes(" or ") + ".")
	}
	d := object{"operationId": o.id, "summary": o.says.en, "tags": []string{o.tag}, "responses": o.responses(parts)}
	if about != "" {
		d["description"] = about
	}
	if params := o.parameters(); params != nil {
		d["parameters"] = params
	}
	switch {
	case o.bytes:
		d["requestBody"] = object{"required": true, "content": object{"application/octet-stream": object{
			"schema": object{"type": "string", "format": "binary"}}}}
	case o.body != nil:
		t := reflect.TypeOf(o.body)
		d["requestBody"] = object{"required": true, "content": object{"application/json": object{
			"schema": parts.of(t), "example": exampleOf(t, 0)}}}
	}
	return d
}

func (o *operation) parameters() (list []object) {
	for _, name := range o.pathParams() {
		schema, eg := object{"type": "string"}, any("crm")
		switch name {
		case "id", "value", "session":
			schema, eg = object{"type": "integer", "format": "int64", "minimum": 1}, 4711
		case "number", "template":
			schema, eg = object{"type": "string", "pattern": "^[0-9a-f]{24}$"}, "5be000000000000000000001"
		}
		list = append(list, object{"name": name, "in": "path", "required": true, "schema": schema, "example": eg})
	}
	for _, p := range o.query {
		list = append(list, p.describe())
	}
	if o.once {
		list = append(list, object{"name": "Idempotency-Key", "in": "header", "schema": object{"type": "string", "maxLength": 200},
			"description": "The same key with the same values gives what was made before, for 7 days.", "example": "order-4711"})
	}
	if o.match {
		list = append(list, object{"name": "If-Match", "in": "header", "schema": object{"type": "string"},
			"description": "The ETag of what was read: a change made since is answered by 412.", "example": `"42"`})
	}
	return list
}

func (p *param) describe() object {
	schema := object{"type": p.kind}
	switch p.kind {
	case "integer":
		schema["minimum"] = 1
		if p.name == "limit" {
			schema["maximum"], schema["default"] = maxLimit, defaultLimit
		}
	case "date-time":
		schema = object{"type": "string", "format": "date-time"}
	}
	if p.enum != nil {
		schema["enum"] = p.enum
	}
	var eg any = p.eg
	switch p.kind {
	case "integer":
		n, _ := strconv.Atoi(p.eg)
		eg = n
	case "boolean":
		eg = p.eg != "false"
	}
	return object{"name": p.name, "in": "query", "description": p.text, "schema": schema, "example": eg}
}

func (o *operation) responses(parts *schemas) object {
	done := object{"description": o.says.en}
	switch {
	case o.answer == nil:
	case o.answersFile():
		done["content"] = object{"application/octet-stream": object{"schema": object{"type": "string", "format": "binary"}}}
	default:
		t := reflect.TypeOf(o.answer)
		done["content"] = object{"application/json": object{"schema": parts.of(t), "example": exampleOf(t, 0)}}
	}
	all := object{strconv.Itoa(o.success()): done, "default": object{"$ref": "#/components/responses/Refused"}}
	if o.success() == http.StatusCreated {
		all["200"] = object{"description": "It was there already.", "content": done["content"]}
	}
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests} {
		all[strconv.Itoa(status)] = object{"$ref": "#/components/responses/Refused"}
	}
	return all
}

// showDocument gives the document; nobody needs a key to read what there is.
func (s *Server) showDocument(w http.ResponseWriter, r *http.Request) {
	sum := sha256.Sum256(s.document)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-cache")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(s.document)
}
