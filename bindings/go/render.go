package quant

import (
	"encoding/json"
	"time"

	"quant/native"
)

// Message is one of a chat.
type Message struct {
	Role    string `json:"role"` // "system", "user", "assistant".
	Content string `json:"content"`
}

// RenderOptions is what a chat template is rendered with besides messages; the zero value is the default.
type RenderOptions struct {
	NoGenerationPrompt bool                   // Do not end with the opening of the answer.
	Tools              json.RawMessage        // A JSON array of tools, or nil.
	Variables          map[string]interface{} // Further variables of the template, such as enable_thinking.
	Now                time.Time              // For templates that tell the date; zero: the clock's.
}

// Render renders a chat template in Jinja. Messages are []Message, or anything that encoding/json makes an array of
// {"role", "content", ...} of; a json.RawMessage is passed on as it is. `name` is what error messages call the template.
func Render(source, name string, messages interface{}, how *RenderOptions) (string, error) {
	if err := checkNames("the template's name", name); err != nil {
		return "", err
	}
	options, err := nativeRender(messages, how)
	if err != nil {
		return "", err
	}
	defer native.DeleteRenderOptions(options)
	c := newCall(nil)
	text := native.Render_template(source, name, options, c.outcome)
	if err := c.finish(); err != nil {
		return "", err
	}
	return text, nil
}

func nativeRender(messages interface{}, how *RenderOptions) (native.RenderOptions, error) {
	if how == nil {
		how = &RenderOptions{}
	}
	text, err := jsonOf(messages)
	if err != nil {
		return nil, err
	}
	variables := ""
	if how.Variables != nil {
		if variables, err = jsonOf(how.Variables); err != nil {
			return nil, err
		}
	}
	if err := checkNames("messages", text, "tools", string(how.Tools)); err != nil {
		return nil, err
	}
	options := native.NewRenderOptions()
	options.SetMessages_json(text)
	options.SetTools_json(string(how.Tools))
	options.SetVariables_json(variables)
	options.SetAdd_generation_prompt(!how.NoGenerationPrompt)
	if !how.Now.IsZero() {
		options.SetNow(how.Now.Format("2006-01-02T15:04:05"))
	}
	return options, nil
}

func jsonOf(value interface{}) (string, error) {
	if raw, ok := value.(json.RawMessage); ok {
		return string(raw), nil
	}
	text, err := json.Marshal(value)
	return string(text), err
}
