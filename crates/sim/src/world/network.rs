//! Messages: sent, lost, repeated, delayed.

use super::World;
use crate::answer::{PullAnswer, PullRequest, PushAnswer, Server};
use crate::step::Fate;

/// A message under way.
#[derive(Clone, Debug)]
pub(super) enum Message {
    Push {
        device: usize,
        id: u64,
        text: String,
        seqs: Vec<u64>,
    },
    Pull {
        device: usize,
        id: u64,
        request: PullRequest,
    },
    Pushed {
        device: usize,
        id: u64,
        answer: PushAnswer,
    },
    Pulled {
        device: usize,
        id: u64,
        page: PullAnswer,
    },
}

impl<S: Server> World<'_, S> {
    pub(super) fn send_push(&mut self, device: usize, count: usize) {
        let has_deferred = !self.devices[device].deferred.is_empty();
        if self.devices[device].outbox.is_empty() && !has_deferred {
            return;
        }
        self.send_batch(device, count);
    }

    /// A batch of the outbox, be it empty: what the server holds back is tried again.
    pub(super) fn send_batch(&mut self, device: usize, count: usize) {
        let (text, seqs) = self.devices[device].batch(count);
        let id = self.take_id(device);
        self.messages.push(Message::Push {
            device,
            id,
            text,
            seqs,
        });
    }

    pub(super) fn send_pull(&mut self, device: usize) {
        let request = self.devices[device].request();
        let id = self.take_id(device);
        self.messages.push(Message::Pull {
            device,
            id,
            request,
        });
    }

    /// A device waits for one answer at a time; a new request gives up the old one.
    fn take_id(&mut self, device: usize) -> u64 {
        self.next_id += 1;
        self.waiting[device] = Some(self.next_id);
        self.next_id
    }

    pub(super) fn network(&mut self, pick: usize, fate: Fate) -> Result<(), String> {
        if self.messages.is_empty() {
            return Ok(());
        }
        let pick = pick % self.messages.len();
        let message = if fate == Fate::Twice {
            self.messages[pick].clone()
        } else {
            self.messages.swap_remove(pick)
        };
        if fate == Fate::Drop {
            Ok(())
        } else {
            self.arrive(message, fate != Fate::Cut)
        }
    }

    pub(super) fn arrive(&mut self, message: Message, answers: bool) -> Result<(), String> {
        match message {
            Message::Push {
                device,
                id,
                text,
                seqs,
            } => {
                let before = self.acked[device];
                match self.server.push(device, &text, self.now_ms) {
                    Ok(answer) => {
                        self.counts.pushes += 1;
                        self.account(device, before, &seqs, &answer)?;
                        if answers {
                            self.messages.push(Message::Pushed { device, id, answer });
                        }
                    }
                    Err(code) => {
                        return Err(format!(
                            "device {device}: the push of {seqs:?} was refused: {code}"
                        ));
                    }
                }
            }
            Message::Pull {
                device,
                id,
                request,
            } => {
                let page = self.server.pull(device, &request, self.now_ms);
                let page =
                    page.map_err(|code| format!("device {device}: the pull was refused: {code}"))?;
                self.counts.pulls += 1;
                self.say(|| format!("device {device} pulls {}", page.summary()));
                if answers {
                    self.messages.push(Message::Pulled { device, id, page });
                }
            }
            Message::Pushed { device, id, answer } if self.waiting[device] == Some(id) => {
                self.waiting[device] = None;
                let taken = self.devices[device].take_push(&answer, self.now_ms);
                taken.map_err(|error| format!("device {device}: {error}"))?;
            }
            Message::Pulled { device, id, page } if self.waiting[device] == Some(id) => {
                self.waiting[device] = None;
                let taken = self.devices[device].take_page(page, self.now_ms);
                taken.map_err(|error| format!("device {device}: {error}"))?;
            }
            // Nobody waits for it any more.
            Message::Pushed { .. } | Message::Pulled { .. } => {}
        }
        Ok(())
    }
}
