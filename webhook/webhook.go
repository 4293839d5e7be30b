// Package webhook is the connector that tells any HTTP endpoint of events, signed
// by Standard Webhooks 1.0.0. It knows tickets and card events and nothing of who
// listens. The payload is described in README.md; the signature in
// spec/creatio.md 6.3.
package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"styk"
	"styk/connect"
)

// Kind is the connector's description.
var Kind = connect.Kind{
	Name:  "webhook",
	Title: "Вебхук (Standard Webhooks)",
	Fields: []connect.Field{
		{
			Name: "url", Label: "Адрес", Type: connect.URL, Required: true,
			Help: "Куда отправлять события методом POST.",
		},
		{
			Name: "secret", Label: "Секрет подписи", Type: connect.List, Required: true, Secret: true,
			Help: "whsec_… Несколько на время замены, каждый на своей строке: подпишем каждым, новый первым.", Make: newSecret,
		},
		{
			Name: "authorization", Label: "Заголовок Authorization", Type: connect.Text, Secret: true,
			Help: "Если получатель его требует, например «Bearer …».",
		},
		{
			Name: "inline", Label: "Файлы внутри события до", Type: connect.Size, Default: "0",
			Help: "Файлы не больше этого размера придут в base64; остальные — ссылкой.",
		},
		connect.LinkDays,
		{
			Name: "timeout", Label: "Ждать ответа", Type: connect.Duration, Default: "30s",
		},
	},
	New: open,
}

// newSecret makes a secret as Standard Webhooks wants it: 32 random bytes.
func newSecret() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(key[:])
}

// maxInline bounds what one event may carry in base64, in bytes of a file.
const maxInline = 8 << 20

func open(s connect.Settings) (connect.Connector, error) {
	c := &connector{
		url: s.Text("url"), authorization: s.Text("authorization"),
		inline: s.Size("inline"), timeout: s.Duration("timeout"),
		client: s.Client, now: s.Now,
	}
	for _, secret := range s.List("secret") {
		key, err := parseSecret(secret)
		if err != nil {
			return nil, styk.FieldError(styk.Invalid, "secret", "secret", err.Error())
		}
		c.keys = append(c.keys, key)
	}
	if c.inline > maxInline {
		return nil, styk.FieldError(styk.Invalid, "inline", "size",
			fmt.Sprintf("не больше %d МБ: большие файлы уходят ссылкой", maxInline>>20))
	}
	return c, nil
}

// parseSecret gives the key inside "whsec_<base64>".
func parseSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, "whsec_")
	if !ok {
		return nil, fmt.Errorf("секрет начинается с whsec_")
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("после whsec_ должен идти base64")
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("в секрете %d байт, а нужно от 24 до 64", len(key))
	}
	return key, nil
}
