package styk

import (
	"errors"
	"strings"
)

// YesNo is the seed's flag word: Yes, No, or "" when not given.
type YesNo string

// The words as they are stored and read back.
const (
	Yes YesNo = "да"
	No  YesNo = "нет"
)

// ParseYesNo reads да and нет in any case.
func ParseYesNo(text string) (YesNo, error) {
	switch YesNo(strings.ToLower(strings.TrimSpace(text))) {
	case "":
		return "", nil
	case Yes:
		return Yes, nil
	case No:
		return No, nil
	}
	return "", errors.New("expected да or нет")
}
