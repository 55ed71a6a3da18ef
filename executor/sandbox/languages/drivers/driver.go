// Package htndriver calls a Go body once: the request is on descriptor 4, the answer goes to descriptor 3.
//
// Each argument is decoded into the type of the parameter in its place. What the function returns
// becomes the value: nothing is null, one value is itself, several are a list; an error at the end
// that is not nil is a failure.
package htndriver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
)

type request struct {
	ID     string            `json:"id"`
	Names  []string          `json:"names"`
	Values []json.RawMessage `json:"values"`
}

var failure = reflect.TypeOf((*error)(nil)).Elem()

// Run calls the function and ends the process.
func Run(function interface{}) {
	var asked request
	if err := json.NewDecoder(os.NewFile(4, "request")).Decode(&asked); err != nil {
		panic(err)
	}
	defer func() {
		if problem := recover(); problem != nil {
			fail(asked.ID, "runtime", fmt.Sprintf("panic: %v", problem), stack())
		}
	}()
	arguments, before := decode(reflect.TypeOf(function), asked)
	results := reflect.ValueOf(function).Call(arguments)
	if last := len(results) - 1; last >= 0 && results[last].Type().Implements(failure) {
		if !results[last].IsNil() {
			err := results[last].Interface().(error)
			fail(asked.ID, "runtime", fmt.Sprintf("%T: %v", err, err), "")
		}
		results = results[:last]
	}
	answer(map[string]interface{}{
		"id": asked.ID, "value": encoded(asked.ID, value(results)), "arguments": changed(asked, arguments, before),
	})
}

func decode(kind reflect.Type, asked request) ([]reflect.Value, []json.RawMessage) {
	wanted := kind.NumIn()
	given := len(asked.Values)
	if given != wanted && !(kind.IsVariadic() && given >= wanted-1) {
		fail(asked.ID, "runtime", fmt.Sprintf("the function takes %d arguments and is given %d", wanted, given), "")
	}
	arguments := make([]reflect.Value, given)
	before := make([]json.RawMessage, given)
	for at, raw := range asked.Values {
		var parameter reflect.Type
		if kind.IsVariadic() && at >= wanted-1 {
			parameter = kind.In(wanted - 1).Elem()
		} else {
			parameter = kind.In(at)
		}
		place := reflect.New(parameter)
		if err := json.Unmarshal(raw, place.Interface()); err != nil {
			fail(asked.ID, "runtime", fmt.Sprintf("the argument %s: %v", asked.Names[at], err), "")
		}
		arguments[at] = place.Elem()
		before[at] = encoded(asked.ID, place.Interface())
	}
	return arguments, before
}

func changed(asked request, arguments []reflect.Value, before []json.RawMessage) map[string]json.RawMessage {
	found := map[string]json.RawMessage{}
	for at, argument := range arguments {
		if after := encoded(asked.ID, argument.Interface()); !bytes.Equal(before[at], after) {
			found[asked.Names[at]] = after
		}
	}
	return found
}

func value(results []reflect.Value) interface{} {
	switch len(results) {
	case 0:
		return nil
	case 1:
		return results[0].Interface()
	}
	all := make([]interface{}, len(results))
	for at, result := range results {
		all[at] = result.Interface()
	}
	return all
}

func encoded(identity string, value interface{}) json.RawMessage {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		fail(identity, "protocol", fmt.Sprintf("the result cannot be JSON: %v", err), "")
	}
	return bytes.TrimSpace(text.Bytes())
}

// The stack from the body's own frames on.
func stack() string {
	text := string(debug.Stack())
	if at := strings.Index(text, "\nmain."); at >= 0 {
		text = text[at+1:]
	}
	if at := strings.Index(text, "\nreflect.Value"); at >= 0 {
		text = text[:at]
	}
	return cut(text, 4000)
}

func cut(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "")
	}
	return text
}

func fail(identity, category, message, trace string) {
	answer(map[string]interface{}{"id": identity, "problem": []string{category, cut(message, 2000), trace}})
}

func answer(message map[string]interface{}) {
	data, err := json.Marshal(message)
	if err != nil {
		os.Exit(97)
	}
	os.NewFile(3, "answer").Write(data)
	os.Exit(0)
}
