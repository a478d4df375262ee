// An adapter to begin with: it speaks the protocol (spec/adapter.md), and its loader can do nothing yet.
// Your loader goes where a comment says so; each function gets fields of the right form.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"unicode/utf8"
)

type raw = json.RawMessage
type reply = map[string]any

// bad is what must panics with; answer makes an error of it.
type bad string

func must(good bool, message string) {
	if !good {
		panic(bad(message))
	}
}

var (
	isInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`).MatchString
	isAmount  = regexp.MustCompile(`^(0|[1-9][0-9]*)$`).MatchString
	isBits    = regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString
)

// hello says who you are. Name a feature only when its cases pass.
func hello() reply {
	return reply{"outcome": "ok", "name": "kit-go", "version": "0", "protocol": 1, "features": []string{}}
}

// open maps a file, checks header and directory, and gives out a handle.
func open(path string) reply {
	// Your loader: reply{"outcome": "ok", "image": 1}. If the path cannot be opened: panic(bad(path)).
	return reply{"error": "unsupported-command"}
}

// link makes a process of modules in their order; the image of the host module is -1.
func link(names []string, images []int) reply {
	// Your loader: reply{"outcome": "ok", "process": 1}, or reply{"outcome": "unlinkable"}.
	return reply{"error": "unsupported-command"}
}

// call calls a function, or the entry function where the name is nil. Floats are bits, since a NaN has many.
func call(process int, module string, function *string, i []int64, n []uint64, fuel, depth int64) reply {
	// Your loader: reply{"outcome": "ok", "i": []string{"1"}, "n": []string{}, "log": []reply{}}.
	return reply{"error": "unsupported-command"}
}

// close forgets an image or a process.
func close(kind string, number int) reply {
	// Your loader: reply{"outcome": "ok"}.
	return reply{"error": "unsupported-command"}
}

func get[T any](value raw, name string) T {
	var found *T // stays nil for null and for a field that is missing
	must(json.Unmarshal(value, &found) == nil && found != nil, fmt.Sprintf("%s: expected %T", name, found))
	return *found
}

func handle(value raw, name string) int {
	found, err := strconv.ParseUint(string(value), 10, 31)
	must(err == nil, name+": expected an integer from 0 to 2^31 - 1")
	return int(found)
}

func integer(value raw, name string, form func(string) bool, bits int) int64 {
	text := get[string](value, name)
	found, err := strconv.ParseInt(text, 10, bits)
	must(err == nil && form(text), name+": expected a decimal integer")
	return found
}

func do(q map[string]raw) reply {
	switch get[string](q["command"], "command") {
	case "hello":
		return hello()
	case "open":
		return open(get[string](q["path"], "path"))
	case "link":
		names, images := []string{}, []int{}
		for _, value := range get[[]raw](q["modules"], "modules") {
			entry, image := get[map[string]raw](value, "modules"), -1
			if string(entry["host"]) != "true" {
				image = handle(entry["image"], "image")
			}
			names, images = append(names, get[string](entry["name"], "name")), append(images, image)
		}
		return link(names, images)
	case "call":
		process, module := handle(q["process"], "process"), get[string](q["module"], "module")
		fuel, depth := integer(q["fuel"], "fuel", isAmount, 54), integer(q["depth"], "depth", isAmount, 54)
		var function *string
		if string(q["entry"]) != "true" {
			name := get[string](q["function"], "function")
			function = &name
		}
		i, n := []int64{}, []uint64{}
		for _, value := range get[[]raw](q["i"], "i") {
			i = append(i, integer(value, "i", isInteger, 64))
		}
		for _, value := range get[[]raw](q["n"], "n") {
			bits, err := strconv.ParseUint(get[string](value, "n"), 16, 64)
			must(err == nil && isBits(get[string](value, "n")), "n: expected 16 hexadecimal digits")
			n = append(n, bits)
		}
		return call(process, module, function, i, n, fuel, depth)
	case "close":
		if _, is := q["image"]; is {
			return close("image", handle(q["image"], "image"))
		}
		return close("process", handle(q["process"], "process"))
	}
	return reply{"error": "unsupported-command"}
}

// answer gives the reply to one line, whatever it holds.
func answer(line []byte) (result reply) {
	id := 0
	defer func() {
		if failure := recover(); failure != nil {
			result = reply{"error": "internal", "message": fmt.Sprint(failure)}
			if _, is := failure.(bad); is {
				result["error"] = "bad-request"
			}
		}
		result["id"] = id
	}()
	must(utf8.Valid(line), "expected UTF-8")
	q := get[map[string]raw](line, "line")
	id = handle(q["id"], "id")
	return do(q)
}

func main() {
	input, output := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for line, err := input.ReadBytes('\n'); err == nil; line, err = input.ReadBytes('\n') {
		if output.Encode(answer(line)) != nil {
			os.Exit(1)
		}
	}
}
