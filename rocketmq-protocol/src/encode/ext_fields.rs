//! Ext fields as whoever has them lists them.

/// Something with ext fields: a request header, an answer, [`Fields`](crate::header::Fields).
pub trait ExtFields {
    /// Hands every present field to `visitor`, in Java's order; absent ones are not visited.
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V);
}

/// Receives ext fields; the wire has texts only, numbers in decimal and `true`/`false`.
pub trait FieldVisitor {
    /// A text field.
    fn text(&mut self, name: &str, value: &str);
    /// A number field.
    fn int(&mut self, name: &str, value: i64);
    /// A truth field.
    fn boolean(&mut self, name: &str, value: bool) {
        self.text(name, if value { "true" } else { "false" });
    }
}

impl<F: ExtFields> ExtFields for &F {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        (**self).visit(visitor);
    }
}

/// No ext fields at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoFields;

impl ExtFields for NoFields {
    fn visit<V: FieldVisitor + ?Sized>(&self, _visitor: &mut V) {}
}

/// The fields of something, followed by more: signature, namespace.
#[derive(Debug, Clone, Copy)]
pub struct With<'a, F> {
    /// The fields that come first.
    pub fields: &'a F,
    /// Names and values that follow.
    pub extra: &'a [(&'a str, &'a str)],
}

impl<F: ExtFields> ExtFields for With<'_, F> {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        self.fields.visit(visitor);
        for (name, value) in self.extra {
            visitor.text(name, value);
        }
    }
}
