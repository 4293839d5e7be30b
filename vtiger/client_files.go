package vtiger

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"styk/connect"
)

// What stands for an operation in the errors of calls that are none.
const (
	opCapture = "capture.php"
	opPut     = "PUT"
)

// Listed is one file as GetFilesList gives it. Path is opaque and begins below
// the CRM's root (spec/vtiger.md 4, 6).
type Listed struct{ Title, Path string }

// FilesList asks which files a pair of ИНН and SMS code opens. ok is false when
// no customer has that pair; the words that say so may begin with a blank
// (spec/vtiger.md 4). It changes nothing over there.
func (c *Client) FilesList(ctx context.Context, inn, code string) (files []Listed, ok bool, err error) {
	var list struct {
		Status string
		Files  []Listed
	}
	err = c.callInto(connect.Harmless(ctx), OpGetFilesList, map[string]string{"inn": inn, "sms": code}, &list)
	if err != nil {
		return nil, false, err
	}
	switch strings.TrimSpace(list.Status) {
	case "ok":
		return list.Files, true, nil
	case "failed":
		return nil, false, nil
	}
	return nil, false, &AnswerError{Operation: OpGetFilesList, Text: "the result says neither ok nor failed"}
}

// KnowsRequestID tells whether the server knows a repetition by its requestid,
// as ours does: it is asked about an empty session, which ours answers in words
// of its own, and any other Vtiger in stock's.
func (c *Client) KnowsRequestID(ctx context.Context) (bool, error) {
	_, err := c.send(connect.Harmless(ctx), OpGetFilesList, false, map[string][]string{"operation": {OpGetFilesList}, "sessionName": {""}})
	var refused *RemoteError
	if !errors.As(err, &refused) {
		return false, err
	}
	return refused.Code == CodeAuthenticationRequired && strings.HasPrefix(refused.Message, MsgAuthenticationRequired+": sessionName is empty"), nil
}

// FormFile is a small file handed in with a web form.
type FormFile struct {
	Part, Name, Type string
	Content          []byte
}

// Capture posts a public web form; it needs no session (spec/vtiger.md 5).
func (c *Client) Capture(ctx context.Context, values [][2]string, files []FormFile) error {
	const operation = opCapture
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, v := range values {
		if err := form.WriteField(v[0], v[1]); err != nil {
			return err
		}
	}
	for _, f := range files {
		part, err := form.CreatePart(map[string][]string{
			"Content-Disposition": {`form-data; name="` + f.Part + `"; filename="` + fileNames.Replace(f.Name) + `"`},
			"Content-Type":        {f.Type},
		})
		if err == nil {
			_, err = part.Write(f.Content)
		}
		if err != nil {
			return err
		}
	}
	if err := form.Close(); err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, c.root()+"/modules/Webforms/capture.php", &body)
	if err != nil {
		return fmt.Errorf("vtiger %s: the address: %w", operation, withoutURL(err))
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, answer, err := c.exchange(ctx, operation, req)
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusFound {
		return redirected(operation, resp)
	}
	_, err = readEnvelope(operation, resp.StatusCode, answer)
	return askedToWait(err, resp)
}

// redirected reads the outcome of a form that has a page to return to; its
// text may stand there unescaped (spec/vtiger.md 5).
func redirected(operation string, resp *http.Response) error {
	to := resp.Header.Get("Location")
	if _, text, found := strings.Cut(to, "error="); found {
		return &RemoteError{Operation: operation, Message: unescapeURL(text)}
	}
	if strings.Contains(to, "success=ok") {
		return nil
	}
	return &AnswerError{Operation: operation, Status: resp.StatusCode, Text: "the form leads elsewhere without a word of success"}
}

// root is the address of the CRM itself, without a trailing slash.
func (c *Client) root() string { return strings.TrimSuffix(c.URL, "/webservice.php") }

// PutFile overwrites a listed file by the operation of that name, which our
// server has and stock has not.
func (c *Client) PutFile(ctx context.Context, path string, up Upload) error {
	_, err := c.inSession(ctx, func(session string) (json.RawMessage, error) {
		return c.sendFile(ctx, OpPutFile, "file", up, [][2]string{{"operation", OpPutFile}, {"sessionName", session}, {"path", path}})
	})
	return err
}

// PutStorage overwrites a listed file by PUT with the session as a bearer, as
// our server takes it; stock forbids its storage (spec/vtiger.md 6).
func (c *Client) PutStorage(ctx context.Context, path string, up Upload) error {
	_, err := c.inSession(ctx, func(session string) (json.RawMessage, error) {
		return nil, c.put(ctx, c.root()+"/"+path, up, func(h http.Header) { h.Set("Authorization", "Bearer "+session) })
	})
	return err
}

// PutFolder overwrites a file of a folder that a web server lets be written to,
// with Basic authentication when a user is given.
func (c *Client) PutFolder(ctx context.Context, address, user, password string, up Upload) error {
	return c.put(ctx, address, up, func(h http.Header) {
		if user != "" {
			h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
		}
	})
}

func (c *Client) put(ctx context.Context, address string, up Upload, sign func(http.Header)) error {
	const operation = opPut
	file, err := up.Open()
	if err != nil {
		return fmt.Errorf("open the file to upload: %w", err)
	}
	defer file.Close()
	body := io.Reader(file)
	if up.Size == 0 {
		body = http.NoBody
	}
	req, err := http.NewRequest(http.MethodPut, address, body)
	if err != nil {
		return fmt.Errorf("vtiger %s: the address: %w", operation, withoutURL(err))
	}
	req.ContentLength = up.Size
	req.Header.Set("Content-Type", "application/octet-stream")
	sign(req.Header)
	resp, answer, err := c.exchange(ctx, operation, req)
	switch {
	case err != nil:
		return err
	case resp.StatusCode < 300:
		return nil
	}
	_, err = readEnvelope(operation, resp.StatusCode, answer)
	var refused *RemoteError
	if errors.As(err, &refused) && resp.StatusCode == http.StatusUnauthorized {
		return err // the session is dead, or the key may not
	}
	none := &AnswerError{Operation: operation, Status: resp.StatusCode, Text: "the file was not taken"}
	if refused != nil {
		none.Text = refused.Message
	}
	return askedToWait(none, resp)
}
