package wallet

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

var today = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// testSigner is what DevelopmentSigner made on that day, kept because making a
// key takes a while.
var testSigner = sync.OnceValue(func() *Signer {
	data, err := os.ReadFile(filepath.Join("testdata", "development.pem"))
	if err != nil {
		panic(err)
	}
	s, err := ReadSigner("", data)
	if err != nil {
		panic(err)
	}
	return s
})

func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is needed", name)
		}
		t.Skipf("no %s here", name)
	}
	return path
}

func run(t testing.TB, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(tool(t, name), args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func defaultPress(t testing.TB) *Press {
	t.Helper()
	layout := DefaultLayout("Кофейня «Юг» & Co")
	images, err := DefaultImages(layout.Background, layout.Foreground)
	if err != nil {
		t.Fatal(err)
	}
	press, err := NewPress(layout, images, testSigner())
	if err != nil {
		t.Fatal(err)
	}
	return press
}

func examplePass() Pass {
	return Pass{
		Serial: "5bea7e305abcfd6b708b4573", Token: "0123456789abcdef0123", Service: "https://cards.example.ru/apple",
		Values: map[string]string{
			"CLIENT_NAME": "Иванов Иван", "BONUS": "1000000", "PHONE": "+7 928 664-66-11", "CARD_CODE": "4600682000013",
		},
	}
}

func unpack(t testing.TB, pass []byte) map[string][]byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(pass), int64(len(pass)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range r.File {
		if f.Method != zip.Store || strings.HasSuffix(f.Name, "/") {
			t.Errorf("%s: method %d", f.Name, f.Method)
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(in); err != nil { // checks the CRC
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	return files
}

// checkManifest holds every file against its SHA-1, both ways.
func checkManifest(t testing.TB, files map[string][]byte) {
	t.Helper()
	var manifest map[string]string
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if name == "manifest.json" || name == "signature" {
			continue
		}
		sum := sha1.Sum(data)
		if manifest[name] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: the manifest has %q", name, manifest[name])
		}
	}
	if len(manifest) != len(files)-2 {
		t.Errorf("the manifest names %d files, the pass has %d", len(manifest), len(files)-2)
	}
}

// unzip opens the pass, openssl and another library verify the signature.
func TestPassHoldsBeforeOtherPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pass, err := defaultPress(t).Print(examplePass(), today)
	if err != nil {
		t.Fatal(err)
	}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testSigner().Chain()[2].Raw})
	for name, data := range map[string][]byte{"x.pkpass": pass, "root.pem": root} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "unzip", "-tq", "x.pkpass")
	run(t, dir, "unzip", "-q", "-o", "x.pkpass", "-d", "d")
	files := unpack(t, pass)
	checkManifest(t, files)
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, "d", filepath.FromSlash(name))); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: unzip gave other bytes: %v", name, err)
		}
	}
	run(t, dir, "openssl", "smime", "-verify", "-binary", "-inform", "DER", "-in", "d/signature",
		"-content", "d/manifest.json", "-CAfile", "root.pem", "-purpose", "any", "-no_check_time", "-out", os.DevNull)
	print := run(t, dir, "openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", "d/signature")
	for _, want := range []string{
		"sha256", "signingTime", "Nov 21 12:00:00 2026 GMT", "Pass Type ID: pass.test.styk", "styk WWDR for development", "eContent: <ABSENT>",
	} {
		if !strings.Contains(print, want) {
			t.Errorf("openssl does not show %q in the signature", want)
		}
	}
	if content, signing, digest := strings.Index(print, "object: contentType"), strings.Index(print, "object: signingTime"), strings.Index(print, "object: messageDigest"); content < 0 || content > signing || signing > digest {
		t.Errorf("signed attributes stand at %d, %d, %d: not in the order of DER", content, signing, digest)
	}
	p7, err := pkcs7.Parse(files["signature"])
	if err != nil {
		t.Fatal(err)
	}
	p7.Content = files["manifest.json"]
	if err := p7.Verify(); err != nil || len(p7.Certificates) != 2 || p7.GetOnlySigner().Subject.CommonName != "Pass Type ID: pass.test.styk" {
		t.Errorf("smallstep: %v, %d certificates", err, len(p7.Certificates))
	}
	p7.Content = append(p7.Content, ' ')
	if p7.Verify() == nil {
		t.Error("a changed manifest passes for signed")
	}
}

func TestPassGolden(t *testing.T) {
	t.Parallel()
	layout := DefaultLayout("Кофейня «Юг» & Co")
	layout.Primary = []Field{{Key: "spent", Label: "Покупки", Value: "%SPENT%", Kind: Money, Align: Right}}
	layout.Back = append(layout.Back, Field{Key: "birthday", Label: "Birthday", Value: "%BIRTHDAY%", Kind: Day})
	long := strings.Repeat("Константин-Вольдемар ", 12)
	cases := map[string]func(*Pass){
		"plain": func(*Pass) {},
		"zero":  func(p *Pass) { p.Values["BONUS"], p.Values["SPENT"] = "0", "-0.50" },
		"empty": func(p *Pass) { p.Values = nil },
		"long": func(p *Pass) {
			p.Values["CLIENT_NAME"], p.Values["NEWS"] = long, "Скидка 5%\r\n<b>\"завтра\"</b>"
		},
		"1c":      func(p *Pass) { p.Values["BONUS"], p.Values["BIRTHDAY"] = "1\u00a0234,50", "15.11.1986" },
		"illtype": func(p *Pass) { p.Values["BONUS"], p.Values["CARD_CODE"] = "много", "КАРТА-7" },
		"voided":  func(p *Pass) { p.Voided, p.Expires = true, today.AddDate(1, 0, 0) },
		"static":  func(p *Pass) { p.Token, p.Service, p.Values["CARD_CODE"] = "", "", "4600682000010" },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := examplePass()
			p.Values["SPENT"] = "12500.5"
			change(&p)
			doc, err := layout.document(testSigner(), p)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, doc, "", "  "); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "pass", name+".json"), got.Bytes())
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	layout := DefaultLayout("Юг")
	layout.Strings["de"] = map[string]string{`Бонусы "x"\`: "a\nb"}
	files := layout.passStrings()
	if got, want := string(files["de.lproj/pass.strings"]), `"Бонусы \"x\"\\" = "a\nb";`+"\n"; got != want {
		t.Errorf("de: got %s, want %s", got, want)
	}
	for _, want := range []string{`"Бонусы: %@" = "Points: %@";`} {
		if !strings.Contains(string(files["en.lproj/pass.strings"]), want) {
			t.Errorf("en: no %s in %s", want, files["en.lproj/pass.strings"])
		}
	}
	if !strings.Contains(string(files["ru.lproj/pass.strings"]), `"Бонусы" = "Бонусы";`) || len(files) != 3 {
		t.Errorf("ru: %s", files["ru.lproj/pass.strings"])
	}
	if face := layout.Show(map[string]string{"BONUS": "7500"}, "en"); face.Header[0].Label != "Points" || face.Header[0].Text != "7\u00a0500" {
		t.Errorf("English face: %+v", face.Header[0])
	}
}

// The same card at the same second is the same bytes, from any goroutine.
func TestPrintIsDeterministic(t *testing.T) {
	t.Parallel()
	press := defaultPress(t)
	want, err := press.Print(examplePass(), today)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got, err := press.Print(examplePass(), today.Add(300*time.Millisecond)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("another pass: %v", err)
			}
		})
	}
	wg.Wait()
	later, err := press.Print(examplePass(), today.Add(time.Second))
	if err != nil || bytes.Equal(later, want) {
		t.Errorf("the signing time is not in the pass: %v", err)
	}
}

// Whatever the values, the pass is whole: valid JSON, every hash right, the
// values back as they came or as their kind reads them.
func TestPrintAnyValues(t *testing.T) {
	t.Parallel()
	press := defaultPress(t)
	rapid.Check(t, func(t *rapid.T) {
		p := examplePass()
		p.Values = rapid.MapOf(rapid.SampledFrom([]string{"CLIENT_NAME", "BONUS", "PHONE", "CARD_CODE", "NEWS"}), rapid.String()).Draw(t, "values")
		pass, err := press.Print(p, today)
		if err != nil {
			t.Fatal(err)
		}
		r, err := zip.NewReader(bytes.NewReader(pass), int64(len(pass)))
		if err != nil {
			t.Fatal(err)
		}
		in, err := r.Open("pass.json")
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			StoreCard struct {
				Secondary []struct{ Value string } `json:"secondaryFields"`
			} `json:"storeCard"`
		}
		if err := json.NewDecoder(in).Decode(&doc); err != nil {
			t.Fatal(err)
		}
		want := clean(p.Values["CLIENT_NAME"], false)
		if want == "" {
			want = "—"
		}
		if got := doc.StoreCard.Secondary[0].Value; got != want {
			t.Errorf("name: got %q, want %q", got, want)
		}
	})
}

func TestPassRefused(t *testing.T) {
	t.Parallel()
	press := defaultPress(t)
	for name, change := range map[string]func(*Pass){
		"short serial":    func(p *Pass) { p.Serial = "123" },
		"short token":     func(p *Pass) { p.Token = "123" },
		"token alone":     func(p *Pass) { p.Service = "" },
		"address alone":   func(p *Pass) { p.Token = "" },
		"everything gone": func(p *Pass) { *p = Pass{} },
	} {
		p := examplePass()
		change(&p)
		if _, err := press.Print(p, today); err == nil || strings.Contains(err.Error(), examplePass().Token) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewPress(DefaultLayout("x"), Images{}, testSigner()); err == nil {
		t.Error("a press without an icon")
	}
	if _, err := NewPress(Layout{}, Images{}, testSigner()); err == nil {
		t.Error("a press of an empty layout")
	}
}

// BenchmarkPrint prints with a full set of pictures of 550 kB.
func BenchmarkPrint(b *testing.B) {
	files := map[string][]byte{}
	random := rand.NewChaCha8([32]byte{})
	for _, place := range Pictures {
		for _, scale := range scales {
			data := make([]byte, 550_000/9)
			_, _ = random.Read(data)
			copy(data, "\x89PNG\r\n\x1a\n")
			files[fileName(place, scale)] = data
		}
	}
	images, err := NewImages(files)
	if err != nil {
		b.Fatal(err)
	}
	press, err := NewPress(DefaultLayout("Кофейня"), images, testSigner())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(images.Size()))
	for b.Loop() {
		if _, err := press.Print(examplePass(), today); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "passes/s")
}
