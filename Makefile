# styk: make help lists what can be asked for.

GO      ?= go
SECONDS ?= 20
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)"

.DEFAULT_GOAL := help
.PHONY: help run build test lint fuzz bench release clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build and run the demo on http://127.0.0.1:8383; needs only Go
	bin/styk demo $(ARGS)

build: ## build bin/styk, one static binary
	@command -v $(GO) >/dev/null || { echo "Go is needed (the version is in go.mod): https://go.dev/dl"; exit 1; }
	@mkdir -p bin
	$(BUILD) -o bin/ ./cmd/styk

test: ## install what the tests lack, then run everything that must hold
	@scripts/test

lint: ## golangci-lint, a stricter look (its first build takes minutes)
	@scripts/gotool golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	.tools/bin/golangci-lint run ./...

fuzz: ## each fuzz target for SECONDS seconds (20)
	@scripts/fuzz $(SECONDS)

bench: build ## the figures of the README on this machine; ARGS go to styk bench
	bin/styk bench $(ARGS)

release: ## binaries for Linux, Windows and macOS with SHA256SUMS in dist/
	@GO=$(GO) scripts/release $(VERSION)

clean: ## remove what was built; data folders stay
	rm -rf bin dist
