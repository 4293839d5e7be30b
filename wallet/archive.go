package wallet

import (
	"archive/zip"
	"bytes"
	"crypto/sha1" //nolint:gosec // the manifest of a pass is made of SHA-1: spec/passteam.md 3.1
	"encoding/hex"
	"fmt"
	"hash/crc32"
)

// entry is one file of an archive with what its name and bytes give, reckoned
// once.
type entry struct {
	name string
	data []byte
	sha1 string // lower hex
	crc  uint32
}

func newEntry(name string, data []byte) entry {
	sum := sha1.Sum(data) //nolint:gosec // see above
	return entry{name: name, data: data, sha1: hex.EncodeToString(sum[:]), crc: crc32.ChecksumIEEE(data)}
}

// archive packs the entries in their order: stored, as pictures do not shrink
// and packing text would cost more than it saves, with no time and no folder,
// so that the same entries always make the same bytes.
func archive(entries []entry) ([]byte, error) {
	size := 100
	for _, e := range entries {
		size += len(e.data) + 2*len(e.name) + 100
	}
	b := bytes.NewBuffer(make([]byte, 0, size))
	w := zip.NewWriter(b)
	for _, e := range entries {
		length := uint64(len(e.data))
		header := zip.FileHeader{
			Name: e.name, Method: zip.Store, CRC32: e.crc, CompressedSize64: length, UncompressedSize64: length,
		}
		//lint:ignore SA1019 CreateRaw writes the old field as it is, and not the new one
		header.ModifiedDate = 1<<5 | 1 //nolint:staticcheck // 1980-01-01, the first day that ZIP knows
		file, err := w.CreateRaw(&header)
		if err == nil {
			_, err = file.Write(e.data)
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack a pass: %w", err)
	}
	return b.Bytes(), nil
}
