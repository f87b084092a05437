//! Chats, and their rendering by a template.

use std::fmt::Write;

use libquant_sys as sys;

use crate::raw::{Given, c_text, optional_c_text, options, pointer};
use crate::{Model, Result};

/// What a chat template is rendered with: messages, and what the template asks for besides.
///
/// ```
/// use libquant::{Chat, render_template};
///
/// let chat = Chat::new().system("Be brief.").user("What is \"quant\"?");
/// let template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}";
/// let text = render_template(template, "inline", &chat)?;
/// assert_eq!(text, "<system>Be brief.\n<user>What is \"quant\"?\n");
/// # Ok::<(), libquant::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Chat {
    messages: Messages,
    tools: Option<String>,
    variables: Option<String>,
    answer: bool,
    bos: Option<String>,
    eos: Option<String>,
    now: Option<String>,
}

/// Messages as they were given.
#[derive(Clone, Debug)]
enum Messages {
    /// Objects of a JSON array, between which commas stand.
    Listed(String),
    /// A whole document.
    Json(String),
}

impl Default for Chat {
    fn default() -> Chat {
        Chat::of(Messages::Listed(String::new()))
    }
}

impl Chat {
    /// No messages yet. The rendering will end with the opening of the assistant's answer.
    pub fn new() -> Chat {
        Chat::default()
    }

    /// Messages as a JSON array of `{"role", "content", ...}`.
    pub fn from_json(messages: impl Into<String>) -> Chat {
        Chat::of(Messages::Json(messages.into()))
    }

    fn of(messages: Messages) -> Chat {
        Chat { messages, tools: None, variables: None, answer: true, bos: None, eos: None, now: None }
    }

    /// Add a message of any role.
    ///
    /// # Panics
    /// Of a chat from [`from_json`](Chat::from_json), which has all of its messages.
    pub fn push(&mut self, role: &str, content: &str) {
        let Messages::Listed(list) = &mut self.messages else {
            panic!("messages cannot be added to those of a JSON document");
        };
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str("{\"role\":");
        write_json_text(list, role);
        list.push_str(",\"content\":");
        write_json_text(list, content);
        list.push('}');
    }

    /// With a message that says how to answer.
    pub fn system(mut self, content: &str) -> Chat {
        self.push("system", content);
        self
    }

    /// With a message of the user.
    pub fn user(mut self, content: &str) -> Chat {
        self.push("user", content);
        self
    }

    /// With an answer that was given.
    pub fn assistant(mut self, content: &str) -> Chat {
        self.push("assistant", content);
        self
    }

    /// Whether to end with the opening of the answer; true unless set.
    pub fn add_generation_prompt(self, answer: bool) -> Chat {
        Chat { answer, ..self }
    }

    /// Tools as a JSON array.
    pub fn tools_json(self, tools: impl Into<String>) -> Chat {
        Chat { tools: Some(tools.into()), ..self }
    }

    /// Further variables of the template, such as `enable_thinking`, as a JSON object.
    pub fn variables_json(self, variables: impl Into<String>) -> Chat {
        Chat { variables: Some(variables.into()), ..self }
    }

    /// The texts of the BOS and EOS tokens; unless set, a model's own, and "" without a model.
    pub fn special_tokens(self, bos: impl Into<String>, eos: impl Into<String>) -> Chat {
        Chat { bos: Some(bos.into()), eos: Some(eos.into()), ..self }
    }

    /// The time that templates see, "2026-03-14T15:09:26"; the clock's unless set.
    pub fn now(self, now: impl Into<String>) -> Chat {
        Chat { now: Some(now.into()), ..self }
    }

    fn messages_json(&self) -> String {
        match &self.messages {
            Messages::Listed(list) => format!("[{list}]"),
            Messages::Json(json) => json.clone(),
        }
    }

    /// Have `call` render it with these options.
    fn render(
        &self,
        call: impl Fn(&sys::quant_render_options, *mut *mut std::ffi::c_char) -> sys::quant_status,
    ) -> Result<String> {
        let messages = c_text(self.messages_json(), "messages")?;
        let tools = optional_c_text(self.tools.as_deref(), "tools_json")?;
        let variables = optional_c_text(self.variables.as_deref(), "variables_json")?;
        let bos = optional_c_text(self.bos.as_deref(), "bos")?;
        let eos = optional_c_text(self.eos.as_deref(), "eos")?;
        let now = optional_c_text(self.now.as_deref(), "now")?;
        let mut options: sys::quant_render_options = options!(quant_render_options_init);
        options.messages_json = messages.as_ptr();
        options.tools_json = pointer(&tools);
        options.variables_json = pointer(&variables);
        options.add_generation_prompt = self.answer.into();
        options.bos_token = pointer(&bos);
        options.eos_token = pointer(&eos);
        options.now = pointer(&now);
        Ok(Given::by(|out| call(&options, out))?.into_text())
    }
}

/// Render a chat template (Jinja); `name` is what messages call it. Template, with the line, where it fails.
pub fn render_template(source: &str, name: &str, chat: &Chat) -> Result<String> {
    let name = c_text(name, "name")?;
    // SAFETY: the template is told its size; strings and options live through the call.
    chat.render(|options, out| unsafe {
        sys::quant_template_render(source.as_ptr().cast(), source.len(), name.as_ptr(), options, out)
    })
}

impl Model {
    /// Render the model's own chat template. NotFound where it has none.
    pub fn render_chat(&self, chat: &Chat) -> Result<String> {
        // SAFETY: the model is open, and options live through the call.
        chat.render(|options, out| unsafe { sys::quant_model_render_chat(self.raw(), options, out) })
    }
}

/// Append a text as JSON has it.
fn write_json_text(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c < ' ' => write!(json, "\\u{:04x}", c as u32).expect("a String takes it"),
            c => json.push(c),
        }
    }
    json.push('"');
}
